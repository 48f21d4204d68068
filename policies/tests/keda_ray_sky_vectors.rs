//! KEDA, Ray Serve and `SkyServe` against runs of their real code.

use flashcrowd_policies::conformance::{Outcome, VectorError};
use flashcrowd_policies::keda::vectors as keda;
use flashcrowd_policies::ray_serve::vectors as ray_serve;
use flashcrowd_policies::skyserve::vectors as skyserve;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

type Runner = fn(&str) -> Result<Outcome, VectorError>;

const FILES: &[(&str, Runner)] = &[
    ("keda_scaledjob", keda::keda_scaledjob),
    ("keda_scaledobject", keda::keda_scaledobject),
    ("ray_serve_metrics", ray_serve::ray_serve_metrics),
    ("ray_serve_policy", ray_serve::ray_serve_policy),
    ("skyserve_fallback", skyserve::skyserve_fallback),
    ("skyserve_instance_aware", skyserve::skyserve_instance_aware),
    ("skyserve_pool", skyserve::skyserve_pool),
    ("skyserve_request_rate", skyserve::skyserve_request_rate),
    ("skyserve_spot_placer", skyserve::skyserve_spot_placer),
];

#[expect(clippy::print_stdout, reason = "counts for whoever runs with --nocapture")]
fn expect_no_mismatch(folder: &Path) {
    for (name, runner) in FILES {
        let path = folder.join(format!("{name}.jsonl.gz"));
        let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = 0;
        let mut total = Outcome::default();
        for line in BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines() {
            let line = line.expect("gzip of UTF-8 lines");
            total.absorb(runner(&line).unwrap_or_else(|error| panic!("{name}: {error}")));
            lines += 1;
        }
        let shown: Vec<String> = total.failures.iter().take(10).map(ToString::to_string).collect();
        println!("{name}: {lines} lines, {} checks, {} mismatches", total.checks, total.failures.len());
        assert!(total.failures.is_empty(), "{name}: {} mismatches\n{}", total.failures.len(), shown.join("\n"));
        assert!(total.checks > 500, "{name}: only {} checks", total.checks);
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
