//! Knative's KPA, `AIBrix`, llm-d's WVA and the Dynamo planner against runs of their real code.

use flashcrowd_policies::conformance::{Outcome, VectorError};
use flashcrowd_policies::{aibrix, dynamo, knative, wva};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

type Runner = fn(&str) -> Result<Outcome, VectorError>;

/// Reference files, their runners, and the fewest checks that a line has.
const FILES: [(&str, Runner, u64); 6] = [
    ("knative_kpa_decider", knative::vectors::knative_kpa_decider, 7),
    ("knative_manifest", knative::vectors::knative_manifest, 2),
    ("knative_scale_to_zero", knative::vectors::knative_scale_to_zero, 3),
    ("aibrix_algorithms", aibrix::vectors::aibrix_algorithms, 2),
    ("wva_saturation_v1", wva::vectors::wva_saturation_v1, 7),
    ("dynamo_easy_load", dynamo::vectors::dynamo_easy_load, 2),
];

fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().map(|line| line.expect("gzip of UTF-8 lines"))
}

#[expect(clippy::print_stdout, reason = "counts for whoever runs with --nocapture")]
fn expect_no_mismatch(folder: &Path) {
    for (name, run, least) in FILES {
        let (mut total, mut count) = (Outcome::default(), 0);
        for line in lines(&folder.join(format!("{name}.jsonl.gz"))) {
            total.absorb(run(&line).unwrap_or_else(|error| panic!("{name}: {error}")));
            count += 1;
        }
        println!("{name}: {count} lines, {} checks, {} failed", total.checks, total.failures.len());
        let shown: Vec<String> = total.failures.iter().take(10).map(ToString::to_string).collect();
        assert!(total.failures.is_empty(), "{name}: {} failed\n{}", total.failures.len(), shown.join("\n"));
        assert!(count > 0 && total.checks >= count * least, "{name}: only {} checks", total.checks);
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/controllers")
}

#[test]
fn a_part_of_every_reference_file_is_reproduced() {
    expect_no_mismatch(&fixtures());
}

#[test]
fn whole_reference_files_are_reproduced() {
    match std::env::var_os("FLASHCROWD_REFERENCE") {
        Some(folder) => expect_no_mismatch(&Path::new(&folder).join("controllers")),
        None => println!("skipped: set FLASHCROWD_REFERENCE to the folder that holds controllers/*.jsonl.gz"),
    }
}
