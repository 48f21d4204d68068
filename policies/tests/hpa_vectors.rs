//! The HPA against runs of the real controller code.

use flashcrowd_policies::conformance::Outcome;
use flashcrowd_policies::hpa::Variant;
use flashcrowd_policies::hpa::vectors::run_line;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

const FILES: [&str; 7] = [
    "k128_functions.jsonl.gz",
    "k128_long.jsonl.gz",
    "k128_main.jsonl.gz",
    "k128_trace.jsonl.gz",
    "k2026_functions.jsonl.gz",
    "k2026_long.jsonl.gz",
    "k2026_main.jsonl.gz",
];

fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().map(|line| line.expect("gzip of UTF-8 lines"))
}

fn run(path: &Path) -> Outcome {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let variant = if name.starts_with("k2026") { Variant::K8s2026Backport } else { Variant::K8s128 };
    let mut total = Outcome::default();
    for line in lines(path) {
        total.absorb(run_line(&line, variant).unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    total
}

#[expect(clippy::print_stdout, reason = "counts for whoever runs with --nocapture")]
fn expect_no_mismatch(folder: &Path) {
    for name in FILES {
        let outcome = run(&folder.join(name));
        let shown: Vec<String> = outcome.failures.iter().take(10).map(ToString::to_string).collect();
        println!("{name}: {} checks, {} mismatches", outcome.checks, outcome.failures.len());
        assert!(outcome.failures.is_empty(), "{name}: {} mismatches\n{}", outcome.failures.len(), shown.join("\n"));
        assert!(outcome.checks > 1_000 || name.contains("functions"), "{name}: only {} checks", outcome.checks);
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hpa")
}

#[test]
fn a_part_of_every_reference_file_is_reproduced() {
    expect_no_mismatch(&fixtures());
}

#[test]
fn whole_reference_files_are_reproduced() {
    match std::env::var_os("FLASHCROWD_REFERENCE") {
        Some(folder) => expect_no_mismatch(&Path::new(&folder).join("hpa")),
        None => println!("skipped: set FLASHCROWD_REFERENCE to the folder that holds hpa/*.jsonl.gz"),
    }
}
