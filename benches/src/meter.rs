//! What a run costs: CPU time of this process, and the most memory that it ever held.

use cpu_time::ProcessTime;

/// Runs `work` and returns its result with the CPU seconds that this process spent meanwhile.
///
/// CPU time, not wall time: the machine may be busy with others.
pub fn cpu_seconds<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = ProcessTime::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

/// The largest resident set of this process so far in MiB; `None` where the system has no `/proc`.
pub fn peak_rss_mib() -> Option<f64> {
    status_mib("VmHWM:")
}

/// The same without the pages of the program's file, which the system maps and drops as it likes: what the
/// program itself asked for.
pub fn peak_own_mib() -> Option<f64> {
    Some(peak_rss_mib()? - status_mib("RssFile:")?)
}

/// An entry of this process's status.
fn status_mib(entry: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(entry))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// The middle value; of an even number the lower one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len().max(1) - 1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_time_and_a_process_holds_memory() {
        let (sum, seconds) = cpu_seconds(|| (0..2_000_000_u64).fold(0, |sum, x| std::hint::black_box(sum ^ x)));
        assert!(seconds > 0.0 && sum < u64::MAX);
        assert!(peak_rss_mib().is_none_or(|mib| mib > 0.5));
        assert!(peak_own_mib().is_none_or(|own| own < peak_rss_mib().unwrap_or(f64::INFINITY)));
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 1.0);
        assert!(median(Vec::new()).is_nan());
    }
}
