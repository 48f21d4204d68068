//! The scenario language as its page teaches it: what a new user writes is right at the first try, short and
//! old spellings are read, messages show a line that would be right.

use flashcrowd::scenario::form::{parts, reference, skeleton};
use flashcrowd::scenario::{Loaded, Registry, Text};
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../docs/scenario.md");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/first_try")
}

fn read(text: &str) -> Result<Loaded, String> {
    let resolve = |text: Text| text.resolve();
    Text::parse("s", text, &Registry::new()).and_then(resolve).map_err(|error| error.to_string())
}

/// A service with what stands in place of `...`.
fn service(rest: &str) -> String {
    let start = "(horizon: \"1m\", pools: {\"p\": (gpu: \"H100\", max_nodes: 1)},\n services: {\"s\": (\n";
    format!("{start}{rest}\n)}},\n traffic: {{\"t\": Poisson(\"5/s\")}})")
}

#[test]
fn what_a_new_user_writes_from_the_page_alone_is_right() {
    for name in ["two-gpus-keda", "three-regions-spot", "own-trace"] {
        let path = folder().join(format!("{name}.ron"));
        let text = std::fs::read_to_string(&path).unwrap();
        let loaded = Text::read(&path.to_string_lossy()).and_then(|text| text.resolve()).unwrap();
        assert!(!loaded.variants[0].warnings.iter().any(|warning| warning.contains("today")), "{name}");
        // The page has it, but for the comment at its head.
        let code: String = text.split_inclusive('\n').filter(|line| !line.starts_with("//")).collect();
        assert!(PAGE.contains(&code), "docs/scenario.md shows another {name}.ron");
    }
}

#[test]
fn the_page_has_every_field_as_the_program_prints_it() {
    let (_, shown) = PAGE.split_at(PAGE.find("## Scenario\n").unwrap());
    let printed = reference();
    let first = shown.lines().zip(printed.lines()).find(|(shown, printed)| shown != printed);
    let advice = "run `flashcrowd schema --reference` and put what it prints below `# Every field`";
    assert!(shown == printed, "docs/scenario.md differs at {first:?}: {advice}");
}

#[test]
fn the_first_scenario_of_the_page_is_one() {
    let code = PAGE.split("```ron\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(read(code).unwrap().variants[0].services[0].config.name.as_ref(), "chat");
}

#[test]
fn skeletons_are_scenarios() {
    assert_eq!(read(&skeleton(None).unwrap()).unwrap().variants.len(), 1);
    for part in parts() {
        let text = skeleton(Some(part)).unwrap();
        assert!(text.contains(&format!("{part}: ")), "{part}:\n{text}");
        assert!(text.lines().all(|line| line.starts_with([' ', '/', '}', ')']) || line.starts_with(part)), "{text}");
    }
    assert_eq!(skeleton(Some("nothing")), None);
}

#[test]
fn short_spellings_are_the_long_ones() {
    let pairs = [
        ("serving: Slots(3), service_time: \"1s\"", "serving: Slots(concurrency: 3), service_time: \"1s\""),
        (
            "serving: Slots(3), service_time: Exponential(mean: \"1s\"), router: PowerOfChoices(3)",
            "serving: Slots((concurrency: 3)), service_time: Exponential(mean: \"1s\"), router: PowerOfChoices(choices: 3)",
        ),
        (
            "serving: Slots(3), service_time: \"1s\", startup: (image: \"9s\", weights: Transfer(size: \"1GB\", from: Gp3))",
            "serving: Slots(3), service_time: \"1s\", startup: (image: (cold: \"9s\"), weights: (cold: Transfer(size: \"1GB\", from: Gp3)))",
        ),
        (
            "serving: Slots(3), service_time: \"1s\", queue: Shared(9)",
            "serving: Slots(3), service_time: \"1s\", queue: Shared(capacity: 9)",
        ),
    ];
    for (short, long) in pairs {
        let of = |text: &str| read(&service(text)).unwrap().variants.remove(0);
        let (short, long) = (of(short), of(long));
        assert_eq!(format!("{:?}", short.services), format!("{:?}", long.services));
        assert_eq!((short.warnings, long.warnings), (vec![], vec![]));
    }
}

#[test]
fn overrides_find_the_parts_of_what_is_written_shortly() {
    let text = service("serving: Slots(3), service_time: \"1s\", router: PowerOfChoices(2)");
    let set = ["services.s.serving.concurrency=7", "services.s.router.choices=5", "services.s.service_time=2s"];
    let changed = Text::parse("s", &text, &Registry::new()).unwrap().with(&set.map(str::to_owned)).unwrap();
    let plain = service("serving: Slots(7), service_time: \"2s\", router: PowerOfChoices(5)");
    let services = |loaded: Loaded| format!("{:?}", loaded.variants[0].services);
    assert_eq!(services(changed.resolve().unwrap()), services(read(&plain).unwrap()));
}

#[test]
fn old_spellings_are_read_with_what_to_write_today() {
    let old = "serving: Slots(3), service_time: Takes(\"1s\"),\n router: PowerOfChoices(d: 2)";
    let new = "serving: Slots(3), service_time: \"1s\",\n router: PowerOfChoices(2)";
    let (old, new) = (read(&service(old)).unwrap(), read(&service(new)).unwrap());
    assert_eq!(format!("{:?}", old.variants[0].services), format!("{:?}", new.variants[0].services));
    assert_eq!(
        old.variants[0].warnings,
        ["line 3: `Takes(...)` is written without the name today: `\"1s\"`", "line 4: `d` is spelled `choices` today",]
    );
    let anew = read(&service("serving: Slots(3), service_time: TakesAnew(\"1s\")")).unwrap();
    assert_eq!(anew.variants[0].warnings, ["line 3: `TakesAnew` is spelled `PerAttempt` today"]);
}

#[test]
fn old_spellings_in_overrides_of_a_variant_are_told_as_well() {
    let plain = service("serving: Slots(3), service_time: \"1s\"");
    let variants = "variants: {\"a\": [\"services.s.router=PowerOfChoices(d: 2)\"], \"b\": [\"seed=2\"]}";
    let text = plain.replacen('(', &format!("({variants}, "), 1);
    let text = Text::parse("s", &text, &Registry::new()).unwrap();
    let told = "services.s.router=PowerOfChoices(d: 2): `d` is spelled `choices` today";
    let warnings = text.resolve().unwrap().variants.into_iter().map(|variant| variant.warnings);
    assert_eq!(warnings.collect::<Vec<_>>(), [vec![format!("variant `a` {told}")], vec![]]);
    let overrides = [("manifest".to_owned(), "services.s.router=PowerOfChoices(d: 2)".to_owned())];
    assert_eq!(text.resolve_with("c", &overrides).unwrap().warnings, [format!("manifest {told}")]);
}

#[test]
fn messages_show_a_line_that_would_be_right() {
    let wrong = [
        (
            "serving: Slots(3), service_time: Takes(1)",
            "such as: service_time: LogNormal(p50: \"80ms\", p99: \"400ms\")",
        ),
        ("serving: Slots(3), service_time: \"1s\", router: PowerOfChoices(\"two\")", "such as: choices: 2"),
        (
            "serving: Slots(3), service_time: \"1s\", slo: [(quantil: 0.9)]",
            "such as: slo: [(metric: TimeToFirstToken, quantile: 0.99, limit: \"1s\")]",
        ),
        ("serving: Slots(many), service_time: \"1s\"", "such as: concurrency: 16"),
        ("serving: Slot(3), service_time: \"1s\"", "such as: serving: ContinuousBatch()"),
        ("serving: Slots(3), service_time: \"1s\", drain_timeout: 30", "such as: drain_timeout: \"30s\""),
    ];
    for (text, line) in wrong {
        let message = read(&service(text)).unwrap_err();
        assert!(message.contains(line), "{text}: expected `{line}` in\n{message}");
    }
}

#[test]
fn messages_about_an_override_show_no_line_of_another_field() {
    let text = service("serving: Slots(3), service_time: \"1s\", router: PowerOfChoices(2)");
    let message = |set: &str| {
        let text = Text::parse("s", &text, &Registry::new()).unwrap().with(&[set.to_owned()]).unwrap();
        text.resolve().unwrap_err().to_string()
    };
    let within = message("services.s.service_time=Exponential(mean: 1)");
    assert!(within.contains("such as: service_time: LogNormal(p50: \"80ms\", p99: \"400ms\")"), "{within}");
    // The name stands in no value.
    let beside = message("services.s.drain_timeot=30");
    assert!(beside.contains("did you mean `drain_timeout`?") && !beside.contains("such as"), "{beside}");
}

#[test]
fn misspelt_distributions_are_taken_for_such_and_misspelt_variants_for_variants() {
    let message = |time: &str| read(&service(&format!("serving: Slots(3), service_time: {time}"))).unwrap_err();
    let distribution = message("LogNorml(p50: \"80ms\", p99: \"400ms\")");
    assert!(distribution.contains("did you mean `LogNormal`?"), "{distribution}");
    assert!(distribution.contains("expected one of `Constant`, `Uniform`"), "{distribution}");
    for (wrong, right) in [("PerAtempt(\"1s\")", "PerAttempt"), ("Tokns(fixed: \"1s\")", "Tokens")] {
        let variant = message(wrong);
        assert!(variant.contains(&format!("did you mean `{right}`?")), "{variant}");
    }
    let constant = read(&service("serving: Slots(3), service_time: Constant(\"1s\")")).unwrap();
    let plain = read(&service("serving: Slots(3), service_time: \"1s\"")).unwrap();
    let services = |loaded: Loaded| format!("{:?}", loaded.variants[0].services);
    assert_eq!(services(constant), services(plain));
}
