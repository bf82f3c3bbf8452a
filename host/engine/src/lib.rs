//! Drives the state machine of runs: dispatch, routing, events, metrics.
