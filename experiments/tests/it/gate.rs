//! The gate of the core: every shipped scenario plays the history and prints the summary that are pinned.
//!
//! A change of shape leaves all of it equal. Where a change of behaviour moves a line, CHANGELOG says why.

use flashcrowd::results::summary::summary;
use flashcrowd::run::{Played, Progress, play_whole};
use flashcrowd::scenario::load::Text;
use std::fmt::Write as _;
use std::path::PathBuf;

/// A scenario, how much of it is played, and the files of the reference data that it reads.
type Part = (&'static str, Option<&'static str>, &'static [(&'static str, &'static str)]);

/// Horizons are cut so that both seeds of all take well under a minute of CPU together.
const PARTS: [Part; 19] = [
    ("aibrix-cascade", None, &[]),
    ("all-spot", Some("2d"), &[]),
    ("controllers", Some("3h"), &[]),
    ("gpu-utilisation", Some("1h"), &[]),
    ("horizontal", None, &[]),
    ("horizontal-metrics", Some("1h"), &[]),
    ("keda-to-zero", None, &[]),
    ("knative-slow-start", None, &[]),
    ("moe", Some("20m"), &[]),
    ("multi-region", Some("8h"), &[]),
    ("pooled-regions", Some("8h"), &[]),
    ("retry-storm", None, &[]),
    ("saturation", None, &[]),
    ("tune-week", Some("1d"), &[]),
    ("two-models", None, &[]),
    ("horizontal-azure", None, &[("traffic.conversation.path", "azure_llm_2023/conv_first.csv.gz")]),
    (
        "llm-azure",
        None,
        &[
            ("traffic.code.path", "azure_llm_2023/code_first.csv.gz"),
            ("traffic.conversation.path", "azure_llm_2023/conv_first.csv.gz"),
        ],
    ),
    ("prefix-cache", Some("20m"), &[("traffic.conversation.path", "mooncake/conversation_trace.jsonl.gz")]),
    ("spot-replay", Some("1000000s"), &[("markets.recorded.path", "spot/availability/1-node/aws-02-15-2023")]),
];

const SEEDS: [u64; 2] = [1, 7];

fn play(name: &str, overrides: &[String]) -> Played {
    let loaded = Text::read(&format!("@{name}")).and_then(|text| text.with(overrides)).and_then(|text| text.resolve());
    let played = loaded.and_then(|loaded| play_whole(loaded, &Progress::new(false)));
    played.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Digest and hash of the summary of each variant.
fn lines(name: &str, horizon: Option<&str>, files: &[String]) -> String {
    let mut text = String::new();
    for seed in SEEDS {
        let mut overrides = vec![format!("seed={seed}"), "replicates=1".to_owned()];
        overrides.extend(horizon.map(|horizon| format!("horizon={horizon}")));
        overrides.extend(files.iter().cloned());
        let played = play(name, &overrides);
        for run in &played.runs {
            let mut summary = serde_json::to_value(summary(&played.loaded, run)).expect("a summary");
            let fields = summary.as_object_mut().expect("an object");
            // Work of the simulator, the program, and where the files lie.
            for field in ["engine", "version", "commit", "trial", "inputs"] {
                fields.remove(field).expect(field);
            }
            let variant = &played.loaded.variants[run.variant].variant;
            let (digest, hash) = (&run.record.digest, fnv(&summary.to_string()));
            writeln!(text, "seed {seed} {digest} {hash:032x} {variant}").expect("a string takes all");
        }
    }
    text
}

/// FNV-1a of 128 bits.
fn fnv(text: &str) -> u128 {
    let step = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, step)
}

#[test]
#[cfg_attr(debug_assertions, ignore = "two hours of each scenario and more")]
fn shipped_scenarios_play_as_pinned() {
    let reference = std::env::var_os("FLASHCROWD_REFERENCE").map(PathBuf::from);
    for (name, horizon, files) in PARTS {
        if !files.is_empty() && reference.is_none() {
            eprintln!("skipped {name}: FLASHCROWD_REFERENCE is not set");
            continue;
        }
        let traces = reference.as_ref().map(|folder| folder.join("traces")).unwrap_or_default();
        let path = |(field, file): &(&str, &str)| format!("{field}={}", traces.join(file).display());
        let files: Vec<String> = files.iter().map(path).collect();
        // Pinned files keep their names, whichever program holds this test.
        insta::with_settings!({ prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("pinned {name}"), lines(name, horizon, &files));
        });
    }
}

#[test]
fn every_shipped_scenario_is_pinned() {
    let paths = flashcrowd::shipped::FILES.iter().map(|file| file.path);
    let mut shipped: Vec<&str> =
        paths.filter(|path| !path.contains('/')).filter_map(|path| path.strip_suffix(".ron")).collect();
    shipped.sort_unstable();
    let mut pinned = PARTS.map(|part| part.0);
    pinned.sort_unstable();
    assert_eq!(shipped, pinned);
}
