//! `cargo fuzz run workflow`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (ringfence_fuzz::target("workflow").run)(data));
