//! `--set PATH=VALUE`.

use super::super::document::Origin;
use super::*;

fn with(assignments: &[&str]) -> Result<Scenario, String> {
    let mut document = Document::parse("s.ron", GOOD).unwrap();
    for assignment in assignments {
        document.set("--set", assignment).map_err(|error| error.to_string())?;
    }
    document.deserialize().map_err(|error| error.to_string())
}

fn refused(assignment: &str) -> String {
    with(&[assignment]).expect_err("this was accepted")
}

#[test]
fn paths_walk_fields_keys_payloads_and_indices() {
    let scenario = with(&[
        "traffic.conversation.path=/data/x.csv",
        "traffic.code.path=FILE",
        "traffic.code.time_scale=2",
        "pools.\"a.b\".nodes=7",
        "outages.1.between.0=\"asia\"",
        "horizon=90m",
        "name=2026",
        "traffic.none=Poisson(rate: 3)",
        "pools.new=(gpu: \"L4\", nodes: 1)",
    ])
    .unwrap();
    assert_eq!(scenario.traffic["conversation"], {
        Traffic::Trace(Trace { path: "/data/x.csv".into(), time_scale: Some(1.0) })
    });
    assert_eq!(scenario.traffic["code"], Traffic::Trace(Trace { path: "FILE".into(), time_scale: Some(2.0) }));
    assert_eq!(scenario.pools["a.b"].nodes, 7);
    assert_eq!(scenario.outages[1].between.0, "asia");
    assert_eq!(scenario.horizon.to_string(), "1h30m");
    assert_eq!(scenario.name.as_deref(), Some("2026"));
    assert_eq!(scenario.traffic["none"], Traffic::Poisson(Poisson { rate: 3.0, prompt: None }));
    assert_eq!(scenario.pools["new"].gpu, "L4");
}

#[test]
fn the_value_is_what_was_typed() {
    for value in ["a=b.csv", "dir//file.csv", "C:\\x", "file /* x */", "(half", "\u{e9}.csv"] {
        let scenario = with(&[&format!("traffic.code.path={value}")]).unwrap();
        assert_eq!(scenario.traffic["code"], Traffic::Trace(Trace { path: value.into(), time_scale: None }));
    }
}

#[test]
fn an_override_shows_itself_in_errors_and_origins() {
    let mut document = Document::parse("s.ron", GOOD).unwrap();
    document.set("--set", "pools.h100.nodes=many").unwrap();
    let text = "--set pools.h100.nodes=many".to_owned();
    assert_eq!(document.origin("pools.h100.nodes"), Some(Origin::Override { text }));
    assert_eq!(
        document.deserialize::<Scenario>().unwrap_err().to_string(),
        "\
error: expected a whole number, found name `many`
 --> --set
  |
  | --set pools.h100.nodes=many
  |                        ^^^^"
    );
    assert_eq!(
        refused("traffic.conversation.pth=x"),
        "\
error: unknown field `pth` in `Trace`
 --> --set
  |
  | --set traffic.conversation.pth=x
  |                            ^^^ expected one of `path`, `time_scale`
  = help: did you mean `path`?"
    );
}

#[test]
fn paths_that_lead_nowhere_name_the_nearest() {
    assert_eq!(
        refused("trafic.code.path=x"),
        "\
error: the scenario has no `trafic` here
 --> --set
  |
  | --set trafic.code.path=x
  |       ^^^^^^
  = help: did you mean `traffic`?"
    );
    for (assignment, expected) in [
        ("outages.7.at=\"1h\"", "there is no element `7`: expected 0 to 1"),
        ("seed.x=1", "there is no `x` in number `20_261_123`, which has no parts"),
        ("horizon", "an override is written PATH=VALUE"),
        ("a..b=1", "a name is missing here"),
        ("=1", "a name is missing here"),
        ("pools.\"a.b=1", "this quoted name is never closed"),
        ("pools.\"a\"b=1", "expected `.` or `=`"),
        ("pools.zzz.nodes=1", "written here: one of `h100`, `a.b`"),
    ] {
        let report = refused(assignment);
        assert!(report.contains(expected), "{assignment}\n{report}");
    }
}

#[test]
fn overrides_cannot_nest_without_limit() {
    for (open, segment) in [("(a: ", ".a.a.a.a.a.a.a.a"), ("A(", "")] {
        let mut document = Document::parse("s.ron", "()").unwrap();
        let mut path = String::from("a");
        for _ in 0..200 {
            let value = format!("{}(a: 1){}", open.repeat(100), ")".repeat(100));
            let _refused = document.set("--set", &format!("{path}={value}"));
            path.push_str(segment);
            path.push_str(".a");
        }
        assert!(document.root().value.to_string().len() < 3_000);
    }
}

#[test]
fn keys_with_dots_need_no_quotes_where_they_exist() {
    let text = r#"(pools: {"m-3.1": (nodes: 1), "m-3.1.5": (nodes: 2), "m-3": (nodes: 3)})"#;
    let mut document = Document::parse("s.ron", text).unwrap();
    let nodes = |document: &Document, path: &str| document.text_at(path).map(str::to_owned);
    for (path, value) in [
        ("pools.m-3.1.nodes", Some("1")),
        ("pools.m-3.1.5.nodes", Some("2")),
        ("pools.m-3.nodes", Some("3")),
        ("pools.\"m-3.1\".nodes", Some("1")),
        ("pools.m-3.\"1\".nodes", None),
        ("pools.m-3.1", Some("(nodes: 1)")),
        ("pools.m-3.2.nodes", None),
    ] {
        assert_eq!(nodes(&document, path).as_deref(), value, "{path}");
    }
    document.set("--set", "pools.m-3.1.nodes=9").unwrap();
    document.set("--set", "pools.m-3.1.gpu=L4").unwrap();
    assert_eq!(nodes(&document, "pools.m-3.1.nodes").as_deref(), Some("9"));
    assert_eq!(nodes(&document, "pools.m-3.1.gpu").as_deref(), Some("L4"));
    let report = document.error_at("pools.m-3.1.5.nodes", "too few").to_string();
    assert!(report.contains("s.ron:1:50"), "{report}");
    assert!(document.set("--set", "pools.m-3.2.nodes=9").unwrap_err().to_string().contains("has no `2` here"));
}
