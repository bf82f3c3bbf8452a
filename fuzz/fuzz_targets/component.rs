//! `cargo fuzz run component`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (ringfence_fuzz::target("component").run)(data));
