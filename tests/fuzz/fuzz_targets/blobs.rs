//! Feeds libFuzzer's inputs to the target of this name.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| e2e::fuzz::run(env!("CARGO_BIN_NAME"), input));
