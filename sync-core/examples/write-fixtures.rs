//! Writes the files of tests/fixtures/v1 that are not there yet.
//!
//! Files that are there are left alone: what a version has once written, later ones must read. To give a
//! file other bytes, delete it first, and say in the commit why nobody has such bytes yet.
#![expect(clippy::disallowed_methods, reason = "a program that writes files")]

#[path = "../tests/fixtures/expected.rs"]
#[expect(dead_code, reason = "the test uses the rest")]
mod expected;

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all(expected::DIR)?;
    for fixture in expected::all() {
        let path = std::path::Path::new(expected::DIR).join(&fixture.name);
        if !path.exists() {
            std::fs::write(&path, fixture.value.encode())?;
        }
    }
    Ok(())
}
