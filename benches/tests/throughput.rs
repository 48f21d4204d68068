//! The throughput program: its rows are right, and memory does not grow with the number of requests.

use serde_json::Value;
use std::process::Command;

fn row(name: &str, requests: u64) -> Value {
    let requests = requests.to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_throughput"))
        .args(["--row", name, "--requests", &requests, "--runs", "1"])
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// The program itself compares the histograms of the simulator and of the bare loop, to the last count.
#[test]
fn simulator_and_bare_loop_play_the_same_requests() {
    for name in
        ["mmc_1", "mmc_16", "cluster_8", "cluster_1k", "llm_1_b1", "llm_1_b30", "llm_8_b12", "llm_4_b60", "moe_4"]
    {
        let row = row(name, 20_000);
        assert!(row["requests_per_cpu_s"].as_f64() > Some(0.0), "{row}");
        assert!(row["bare_requests_per_cpu_s"].as_f64() > Some(0.0), "{row}");
    }
}

#[test]
fn engines_that_share_gpus_leap_as_they_iterate() {
    let row = row("two_engines", 20_000);
    assert!(row["mean_batch"].as_f64() > Some(1.0), "{row}");
}

#[test]
fn a_large_fleet_says_what_a_replica_takes() {
    assert!(row("cluster_1k", 2_000)["rss_bytes_per_replica"].as_f64() != Some(0.0));
}

#[test]
fn an_unknown_row_is_refused() {
    let run = Command::new(env!("CARGO_BIN_EXE_throughput")).args(["--row", "mmc_x"]).output().expect("it runs");
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("mmc_x"));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of requests")]
fn peak_memory_does_not_grow_with_the_number_of_requests() {
    for name in ["mmc_16", "cluster_64"] {
        // Growth is counted without the pages of the program's file: the system maps and drops those as it likes.
        let memory = |requests| {
            let row = row(name, requests);
            Some((row["peak_rss_mib"].as_f64()?, row["peak_own_mib"].as_f64()?))
        };
        let (Some((whole, few)), Some((_, many))) = (memory(500_000), memory(5_000_000)) else { return };
        // Rare latencies touch pages of histograms for the first time; what a request leaves behind would be more.
        assert!(
            many - few < 0.1 * whole,
            "{name}: of {whole} MiB {few} MiB are its own for 0.5 million requests, {many} MiB for 5 million"
        );
    }
}
