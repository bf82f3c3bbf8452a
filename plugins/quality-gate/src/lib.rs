//! Weighs findings against thresholds.
