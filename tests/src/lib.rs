//! Suites by risk, over the whole host.
