//! W6: from starting the program to fifty rows.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::{Row, percentiles};

const RUNS: usize = 20;

pub(crate) fn measure(programs: &Path, home: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let banyan = programs.join("banyan");
    let time = |args: &[&str]| -> Result<f64> {
        let started = Instant::now();
        let status = Command::new(&banyan)
            .arg("--data")
            .arg(home)
            .args(args)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "banyan {args:?} did not work");
        Ok(started.elapsed().as_secs_f64() * 1000.0)
    };
    let list = ["list", "--kind", "visit", "--limit", "50"];
    let times: Vec<f64> = (0..RUNS).map(|_| time(&list)).collect::<Result<_>>()?;
    let floors: Vec<f64> = (0..RUNS)
        .map(|_| time(&["--version"]))
        .collect::<Result<_>>()?;
    let ((p50, p99), (floor, _)) = (percentiles(times), percentiles(floors));
    rows.push(
        Row::new(
            "W6 cold open, 50 rows",
            format!("p50 {p50:.1} ms, p99 {p99:.1} ms"),
        )
        .beside(format!("{floor:.1} ms (program start)"), p50 / floor),
    );
    Ok(())
}
