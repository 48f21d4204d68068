//! `check --print-resolved` writes a scenario that plays the same run, wherever it is kept.

use flashcrowd::results::summary::summary;
use flashcrowd::run::{Progress, play_whole};
use flashcrowd::scenario::language::Document;
use flashcrowd::scenario::language::tree::Value as Written;
use flashcrowd::scenario::{Loaded, Registry, Text, shipped};
use flashcrowd_policies::autoscalers::FixedReplicas;
use serde_json::Value;
use std::convert::Infallible;

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

/// One service with an autoscaler.
fn scaled_by(autoscaler: &str) -> String {
    format!(
        "(horizon: \"1m\", pools: {{\"p\": (gpu: \"H100\", max_nodes: 2)}},\n services: {{\"s\": (\n\
         serving: Slots(3), service_time: \"1s\", autoscaler: {autoscaler})}},\n traffic: {{\"t\": Poisson(\"5/s\")}})"
    )
}

#[test]
fn what_is_written_out_says_what_it_needs_beside_it() {
    let registry =
        Registry::new().policy("steady", |(): (), target| Ok::<_, Infallible>(FixedReplicas::new(target, 1)));
    let written = |autoscaler: &str| {
        let text = Text::parse("s", &scaled_by(autoscaler), &registry).unwrap().written(None).unwrap();
        text.lines().filter(|line| line.starts_with("// `")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        written("Command([\"python3\", \"policy.py\"])"),
        [
            "// `s` is scaled by a command, which runs in the folder of this file: the files that it names must be there."
        ]
    );
    assert_eq!(
        written("Policy(name: \"steady\")"),
        ["// `s` is scaled by a policy of a crate: only a program that registers it plays this."]
    );
    assert_eq!(written("Fixed(2)"), [""; 0]);
}

#[test]
fn manifests_inside_are_those_of_their_files_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: h\n  annotations: \
                    {mark: '\"# and \"## too'}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, \
                    name: s}\n  maxReplicas: 3\n  metrics:\n    - {type: Resource, resource: {name: cpu, target: \
                    {type: Utilization, averageUtilization: 60}}}\n# \"";
    for manifest in [manifest.to_owned(), manifest.replace('\n', "\r\n")] {
        std::fs::write(folder.path().join("h.yaml"), &manifest).unwrap();
        std::fs::write(folder.path().join("s.ron"), scaled_by("Manifest(\"h.yaml\")")).unwrap();
        let text = Text::read(&folder.path().join("s.ron").to_string_lossy()).unwrap();
        let written = text.written(None).unwrap();
        let document = Document::parse("r", &written).unwrap();
        let inside = document.get("services.s.autoscaler.text").map(|node| node.value.clone());
        assert_eq!(inside, Some(Written::Str(manifest)), "{written}");
        let again = Text::parse("r", &written, &Registry::new()).and_then(|text| text.resolve()).unwrap();
        assert_eq!(played(again)[0].0, played(text.resolve().unwrap())[0].0);
    }
}
