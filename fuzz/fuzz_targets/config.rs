//! `cargo fuzz run config`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (ringfence_fuzz::target("config").run)(data));
