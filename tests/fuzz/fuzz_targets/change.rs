//! Feeds libFuzzer's inputs to the target of this name.
#![no_main]

use std::panic::take_hook;
use std::sync::Once;

static BEGIN: Once = Once::new();

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    // Automerge's panics are caught and held. libFuzzer's hook would end the program before that; one that
    // is not caught ends it all the same.
    BEGIN.call_once(|| drop(take_hook()));
    e2e::fuzz::run(env!("CARGO_BIN_NAME"), input);
});
