//! `uniffi-bindgen`: the bindings of a built library, for those who build an app.

use bindings::{Language, generate};
use camino::Utf8PathBuf;
use clap::Parser;

/// Writes the Kotlin, Swift or Python side of mobile-ffi.
#[derive(Debug, Parser)]
struct Args {
    /// What the app is written in.
    #[arg(long, value_enum)]
    language: Language,
    /// The folder to write into.
    #[arg(long)]
    out_dir: Utf8PathBuf,
    /// The built library, such as target/debug/libmobile_ffi.so.
    library: Utf8PathBuf,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    generate(args.language, &args.library, &args.out_dir)
}
