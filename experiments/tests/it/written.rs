//! `check --print-resolved` writes a scenario that plays the same run, wherever it is kept.

use flashcrowd::results::summary::summary;
use flashcrowd::run::{Progress, play_whole};
use flashcrowd::scenario::language::Document;
use flashcrowd::scenario::{Loaded, Registry, Text, shipped};
use serde_json::Value;

/// Long enough for starts, scrapes and decisions; traces keep their own end.
const SHORT: &str = "horizon=20m";

fn short(name: &str) -> Option<(Text, Loaded)> {
    let overrides = [SHORT, "replicates=1"].map(str::to_owned);
    let text = Text::read(&format!("@{name}")).and_then(|text| text.with(&overrides)).unwrap();
    // A trace that is not at hand is told by its own message; `warmup`s may be longer than this run.
    let loaded = text.resolve().ok()?;
    Some((text, loaded))
}

/// Digest and figures of each variant, without what says where they come from.
fn played(loaded: Loaded) -> Vec<(String, Value)> {
    let played = play_whole(loaded, &Progress::new(false)).unwrap();
    let figures = |run| {
        let mut figures = serde_json::to_value(summary(&played.loaded, run)).unwrap();
        let fields = figures.as_object_mut().unwrap();
        for field in ["engine", "version", "commit", "trial", "inputs", "scenario", "variant", "trust"] {
            fields.remove(field);
        }
        figures
    };
    played.runs.iter().map(|run| (run.record.digest.clone(), figures(run))).collect()
}

fn differences(before: &Value, after: &Value) -> String {
    let of = |value: &Value| -> Vec<String> {
        let text = serde_json::to_string_pretty(value).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    };
    let pairs = of(before).into_iter().zip(of(after)).filter(|(before, after)| before != after);
    pairs.take(5).map(|(before, after)| format!("{before} became {after}")).collect::<Vec<_>>().join("; ")
}

#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn every_shipped_scenario_plays_the_same_run_once_it_is_written_out() {
    let mut count = 0;
    for name in shipped::scenario_names() {
        let Some((text, loaded)) = short(name) else { continue };
        let before = played(loaded.clone());
        for (variant, before) in loaded.variants.iter().zip(before) {
            let named = Some(variant.variant.as_str()).filter(|name| !name.is_empty());
            let written = text.written(named).unwrap();
            let again = Text::parse("r", &written, &Registry::new()).and_then(|text| text.resolve());
            let again = again.unwrap_or_else(|error| panic!("{name} {}: {error}\n{written}", variant.variant));
            assert_eq!(again.variants[0].warnings.len(), variant.warnings.len(), "{:?}", again.variants[0].warnings);
            let after = played(again);
            assert_eq!(after[0].0, before.0, "{name} {}", variant.variant);
            assert!(after[0].1 == before.1, "{name} {}: {}", variant.variant, differences(&before.1, &after[0].1));
            count += 1;
        }
    }
    assert!(count > 20, "{count} variants");
}

#[test]
fn what_is_written_out_is_written_out_the_same_again() {
    for name in ["horizontal", "multi-region"] {
        let (text, _) = short(name).unwrap();
        let once = text.written(None).unwrap();
        let twice = Text::parse("r", &once, &Registry::new()).unwrap().written(None).unwrap();
        let values = |text: &str| Document::parse("r", text).unwrap().root().value.to_string();
        assert!(values(&once) == values(&twice), "{name}:\n{once}\n{twice}");
    }
}
