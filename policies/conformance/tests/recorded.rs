//! Every controller against runs of its real code: parts of the recordings that are shipped, and the
//! whole of them where `FLASHCROWD_REFERENCE` points to it.

use flashcrowd_conformance::hpa::run_line;
use flashcrowd_conformance::{Outcome, RUNNERS};
use flashcrowd_policies::autoscalers::hpa::Variant;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

const HPA_FILES: [&str; 7] =
    ["k128_functions", "k128_long", "k128_main", "k128_trace", "k2026_functions", "k2026_long", "k2026_main"];

/// Fewest checks that a line has, where a file has few lines.
const LEAST: [(&str, u64); 6] = [
    ("aibrix_algorithms", 2),
    ("dynamo_easy_load", 2),
    ("knative_kpa_decider", 7),
    ("knative_manifest", 2),
    ("knative_scale_to_zero", 3),
    ("wva_saturation_v1", 7),
];

fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().map(|line| line.expect("gzip of UTF-8 lines"))
}

/// Plays a file and expects no mismatch; answers its lines and what was compared.
#[expect(clippy::print_stdout, reason = "counts for whoever runs with --nocapture")]
fn play(folder: &Path, name: &str, run: impl Fn(&str) -> Outcome) -> (u64, u64) {
    let (mut total, mut count) = (Outcome::default(), 0);
    for line in lines(&folder.join(format!("{name}.jsonl.gz"))) {
        total.absorb(run(&line));
        count += 1;
    }
    println!("{name}: {count} lines, {} checks, {} mismatches", total.checks, total.failures.len());
    let shown: Vec<String> = total.failures.iter().take(10).map(ToString::to_string).collect();
    assert!(total.failures.is_empty(), "{name}: {} mismatches\n{}", total.failures.len(), shown.join("\n"));
    (count, total.checks)
}

fn expect_controllers(folder: &Path) {
    for (name, runner) in RUNNERS {
        let run = |line: &str| runner(line).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (count, checks) = play(folder, name, run);
        let least = LEAST.iter().find(|(known, _)| known == name).map_or(501, |(_, least)| count * least);
        assert!(count > 0 && checks >= least, "{name}: only {checks} checks");
    }
}

fn expect_hpa(folder: &Path) {
    for name in HPA_FILES {
        let variant = if name.starts_with("k2026") { Variant::K8s2026Backport } else { Variant::K8s128 };
        let run = |line: &str| run_line(line, variant).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (_, checks) = play(folder, name, run);
        assert!(checks > 1_000 || name.contains("functions"), "{name}: only {checks} checks");
    }
}

fn fixtures(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(part)
}

#[test]
fn a_part_of_every_reference_file_is_reproduced() {
    expect_hpa(&fixtures("hpa"));
    expect_controllers(&fixtures("controllers"));
}

#[test]
fn whole_reference_files_are_reproduced() {
    match std::env::var_os("FLASHCROWD_REFERENCE") {
        Some(folder) => {
            expect_hpa(&Path::new(&folder).join("hpa"));
            expect_controllers(&Path::new(&folder).join("controllers"));
        }
        None => println!("skipped: set FLASHCROWD_REFERENCE to the folder that holds hpa and controllers"),
    }
}
