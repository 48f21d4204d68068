//! Peak memory of the program: thousands of services, and thousands of replicates.
#![cfg(target_os = "linux")]

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs the program to its end; the most memory that it held, in MiB.
#[expect(clippy::print_stdout, reason = "what it measures is told")]
fn peak_mib(folder: &Path, arguments: &[&str]) -> f64 {
    let mut program = Command::new(env!("CARGO_BIN_EXE_flashcrowd"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program runs");
    let status = format!("/proc/{}/status", program.id());
    let mut peak_kib = 0.0_f64;
    loop {
        // The system keeps the highest so far: the last look before the end tells all but its last moments.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0.0));
        if let Some(ended) = program.try_wait().expect("it ends") {
            assert!(ended.success(), "{arguments:?}");
            println!("{:.0} MiB: flashcrowd {}", peak_kib / 1024.0, arguments.join(" "));
            return peak_kib / 1024.0;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// So many services, each with its own traffic: about 300 requests.
fn many_services(count: usize, service: &str, tokens: &str) -> String {
    let (mut services, mut traffic) = (String::new(), String::new());
    for at in 0..count {
        let _ = writeln!(services, "\"s{at}\": ({service}),");
        let _ = writeln!(traffic, "\"t{at}\": Poisson(service: \"s{at}\", rate: \"1/s\"{tokens}),");
    }
    let nodes = count / 8 + 1;
    format!(
        "(horizon: \"5m\", pools: {{\"p\": (gpu: \"H100\", gpus_per_node: 8, gpu_price: \"6.88/h\", \
         min_nodes: {nodes}, max_nodes: {nodes})}}, services: {{{services}}}, traffic: {{{traffic}}})"
    )
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of requests")]
fn three_thousand_services_take_a_few_hundred_megabytes() {
    let slots = "serving: Slots(concurrency: 2), service_time: Exponential(mean: \"1s\"), \
                 slo: [(quantile: 0.99, limit: \"5s\")]";
    let engine = "model: \"Llama-3.1-8B\", serving: ContinuousBatch(), \
                  slo: [(metric: TimeToFirstToken, quantile: 0.99, limit: \"1s\")]";
    let lengths = ", prompt_tokens: LogNormal(p50: 700, p99: 4000), output_tokens: LogNormal(p50: 220, p99: 1200)";
    let folder = tempfile::tempdir().unwrap();
    // A hundred bytes that each request leaves would be 90 MB.
    for (service, tokens, most) in [(slots, "", 150.0), (engine, lengths, 220.0)] {
        std::fs::write(folder.path().join("many.ron"), many_services(3_000, service, tokens)).unwrap();
        let peak = peak_mib(folder.path(), &["run", "many.ron", "--no-out", "--quiet"]);
        assert!(peak <= most, "{peak} MiB: {service}");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "thousands of runs")]
fn four_thousand_replicates_take_no_more_than_four_hundred() {
    let small = r#"(horizon: "10s", limits: (memory: "1GB"),
        pools: {"p": (gpu: "L4", gpus_per_node: 1, gpu_price: "1/h", min_nodes: 1, max_nodes: 4)},
        services: {"s": (serving: Slots(concurrency: 1), service_time: "1s", replicas: 1)},
        traffic: {"t": Poisson(rate: "0.5/s")})"#;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.ron"), small).unwrap();
    for places in [&["--out", "results"][..], &["--format", "json", "--no-out"]] {
        let peak = |replicates| {
            peak_mib(
                folder.path(),
                &[&["run", "small.ron", "--quiet", "--replicates", replicates][..], places].concat(),
            )
        };
        let (few, many) = (peak("400"), peak("4000"));
        // What is kept of each replicate is its figures: two kilobytes.
        assert!(many <= few + 7.0 && many <= 60.0, "{few} and {many} MiB: {places:?}");
    }
}
