//! Writes the inputs that each fuzz target begins with into `tests/fuzz/corpus`, and takes away those of
//! an earlier time. What a fuzzer has found stays: only files that are called `seed-…` are its own.

use std::fs;
use std::path::Path;

use e2e::fuzz::TARGETS;

fn main() -> anyhow::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for target in TARGETS {
        let folder = corpus.join(target.name);
        fs::create_dir_all(&folder)?;
        for file in fs::read_dir(&folder)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with("seed-") {
                fs::remove_file(file.path())?;
            }
        }
        for (number, input) in (target.seeds)().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:02}")), input)?;
        }
    }
    Ok(())
}
