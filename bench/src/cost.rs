//! What a process has cost so far, from `/proc`.

use anyhow::{Context, Result};

/// Clock ticks of `/proc/PID/stat` per second: fixed at 100 in the interface of Linux.
const TICKS: f64 = 100.0;

/// Seconds of CPU that a process has used, user and system.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything, so count from its end: utime and stime are fields 14 and 15.
    let (_, after_name) = stat.rsplit_once(") ").context("a stat line")?;
    let mut times = after_name.split(' ').skip(11).map(str::parse::<f64>);
    let (user, system) = (times.next().context("utime")??, times.next().context("stime")??);
    Ok((user + system) / TICKS)
}

/// Resident memory of a process in bytes.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// A process and its children.
pub fn family(pid: u32) -> Result<Vec<u32>> {
    let mut pids = vec![pid];
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))?;
    for task in tasks {
        let children = std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            pids.extend(family(child.parse()?).unwrap_or_default());
        }
    }
    Ok(pids)
}
