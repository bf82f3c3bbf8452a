//! `cargo fuzz run event`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (ringfence_fuzz::target("event").run)(data));
