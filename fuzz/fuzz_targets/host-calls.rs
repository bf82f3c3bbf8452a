//! `cargo fuzz run host-calls`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (ringfence_fuzz::target("host-calls").run)(data));
