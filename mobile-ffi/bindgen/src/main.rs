//! Writes the Kotlin, Swift and Python side of `mobile-ffi` from its built library.

fn main() {
    uniffi::uniffi_bindgen_main();
}
