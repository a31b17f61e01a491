//! What the system says of this process (proc(5)).

use std::fs;

use anyhow::{Context, Result};

/// Most resident memory so far, in KiB.
pub(crate) fn peak_kib() -> Result<u64> {
    of_status("VmHWM:", &fs::read_to_string("/proc/self/status")?)
}

/// How often its threads have given the processor away to wait for something: each time, something woke
/// them again.
pub(crate) fn waits() -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir("/proc/self/task")? {
        // A thread may end while it is looked at.
        if let Ok(status) = fs::read_to_string(task?.path().join("status")) {
            sum += of_status("voluntary_ctxt_switches:", &status)?;
        }
    }
    Ok(sum)
}

/// Processor time so far, in seconds.
pub(crate) fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let rest = stat.rsplit_once(')').context("stat")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).context("stat")?.parse()?) };
    // Ticks of 10 ms.
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

fn of_status(name: &str, status: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("a line of /proc/self/status")?.parse()?)
}
