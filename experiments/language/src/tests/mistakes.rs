//! Every mistake and its whole report.

use super::*;

fn pool(content: &str) -> String {
    mistake(&format!("(\n    horizon: \"1h\",\n    pools: {{\n        \"a\": ({content}),\n    }},\n)"))
}

fn top(content: &str) -> String {
    mistake(&format!("(horizon: \"1h\", {content})"))
}

#[test]
fn an_unknown_field_names_the_nearest() {
    assert_eq!(
        pool("gpu: \"H100\", nodez: 3"),
        "\
error: unknown field `nodez` in pool
 --> s.ron:4:28
  |
4 |         \"a\": (gpu: \"H100\", nodez: 3),
  |                            ^^^^^ expected one of `gpu`, `nodes`, `memory`, `price`, `market`, `boot`
  = help: did you mean `nodes`?"
    );
}

#[test]
fn an_unknown_field_in_a_variant_is_said_to_be_in_the_variant() {
    let expected = "\
error: unknown field `pth` in `Trace`
 --> s.ron:1:39
  |
1 | (horizon: \"1h\", traffic: {\"c\": Trace((pth: 1))})
  |                                       ^^^ expected one of `path`, `time_scale`
  = help: did you mean `path`?";
    assert_eq!(top("traffic: {\"c\": Trace((pth: 1))}"), expected);
    assert!(top("traffic: {\"c\": Trace(pth: 1)}").contains("unknown field `pth` in `Trace`"));
}

#[test]
fn an_unknown_variant_names_the_nearest() {
    assert_eq!(
        pool("gpu: \"H100\", nodes: 3, market: Sopt"),
        "\
error: unknown market `Sopt`
 --> s.ron:4:46
  |
4 |         \"a\": (gpu: \"H100\", nodes: 3, market: Sopt),
  |                                              ^^^^ expected one of `OnDemand`, `Spot`
  = help: did you mean `Spot`?"
    );
}

#[test]
fn a_unit_that_does_not_exist_points_at_the_value() {
    assert_eq!(
        mistake("(\n  horizon: \"5 parsecs\",\n)"),
        "\
error: \"5 parsecs\" has an unknown unit `parsecs`; expected one of `d`, `h`, `m`, `s`, `ms`, `us`, `ns`, `ps`
 --> s.ron:2:12
  |
2 |   horizon: \"5 parsecs\",
  |            ^^^^^^^^^^^"
    );
}

#[test]
fn a_missing_field_points_at_the_opening() {
    assert_eq!(
        pool("gpu: \"H100\""),
        "\
error: missing field `nodes` in pool
 --> s.ron:4:14
  |
4 |         \"a\": (gpu: \"H100\"),
  |              ^"
    );
    assert!(top("traffic: {\"c\": Trace()}").starts_with("error: missing field `path` in `Trace`"));
    assert!(top("traffic: {\"c\": Trace}").starts_with("error: missing field `path` in `Trace`"));
}

#[test]
fn a_number_out_of_range_shows_the_range() {
    assert_eq!(
        pool("gpu: \"H100\", nodes: -1"),
        "\
error: number `-1` is out of range
 --> s.ron:4:35
  |
4 |         \"a\": (gpu: \"H100\", nodes: -1),
  |                                   ^^ expected 0 to 4294967295"
    );
    assert!(top("seed: 10000000000000000000").contains("is out of range"));
    assert!(top(&format!("seed: 1{}", "0".repeat(60))).contains("is out of range"));
    assert!(top("seed: 1.5").contains("expected a whole number, found number `1.5`"));
    assert!(top("seed: \"3\"").contains("write 3 without quotes"));
    assert!(top("traffic: {\"c\": Poisson(rate: 1e400)}").contains("number `1e400` is too large"));
    for nonsense in ["NaN", "inf", "-inf"] {
        assert!(top(&format!("traffic: {{\"c\": Poisson(rate: {nonsense})}}")).contains("expected a finite number"));
    }
}

#[test]
fn a_missing_comma_points_behind_the_part_before() {
    assert_eq!(
        mistake("(\n  horizon: \"1h\"\n  seed: 3,\n)"),
        "\
error: expected `,` or `)` after this field
 --> s.ron:2:16
  |
2 |   horizon: \"1h\"
  |                ^ found `seed`"
    );
}

#[test]
fn a_key_given_twice_points_at_the_second_and_names_the_first() {
    assert_eq!(
        mistake("(\n  horizon: \"1h\",\n  horizon: \"2h\",\n)"),
        "\
error: field `horizon` is given twice
 --> s.ron:3:3
  |
3 |   horizon: \"2h\",
  |   ^^^^^^^ the first is at line 2, column 3"
    );
    assert!(top("pools: {\"a\": (), \"\\x61\": ()}").contains("key `a` is given twice"));
}

#[test]
fn wrong_types_say_what_was_found() {
    for (content, expected) in [
        ("pools: []", "expected a map, found a list"),
        ("pools: (a: 1)", "expected a map, found a struct `(field: value)`"),
        ("outages: {}", "expected a list `[...]`, found a map"),
        ("pools: {\"a\": 3}", "expected pool, found number `3`"),
        ("pools: {\"a\": {\"gpu\": 1}}", "without quotes around names"),
        ("pools: {a: ()}", "write it in quotes: \"a\""),
        ("name: 3", "expected a string, found number `3`"),
        ("traffic: {\"a\": \"Silent\"}", "write it without quotes"),
        ("traffic: {\"a\": Silent(3)}", "`Silent` takes no values"),
        ("outages: [(at: \"1h\", between: (\"us\",))]", "expected 2 values, found 1"),
        ("outages: [(at: \"1h\", between: [\"us\"])]", "expected a tuple of 2 values, found a list"),
        ("pools: {\"a\": Pol(gpu: \"x\")}", "expected pool, found `Pol(...)`"),
        ("\"name\": 3", "names of fields stand without quotes"),
    ] {
        let report = top(content);
        assert!(report.contains(expected), "{content}\n{report}");
    }
}

#[test]
fn syntax_errors_say_what_to_write() {
    for (text, expected) in [
        ("(horizon: 15s)", "a value with a unit stands in quotes, such as \"15s\""),
        ("(horizon: \"1h)", "this string is never closed"),
        ("(horizon: \"1h\"", "this bracket is never closed"),
        ("(horizon: \"\\q\")", "this escape does not exist"),
        ("(horizon = \"1h\")", "expected `,` or `)` after this value"),
        ("(horizon: \"1h\") x", "unexpected `x` after the end of the value"),
        ("(horizon: b\"1h\")", "leave the `b` away"),
        ("(horizon: 1__.e)", "is not a number"),
        ("# comment\n()", "a comment starts with `//`"),
        ("(horizon: ,)", "expected a value, found `,`"),
        ("(horizon: 'ab')", "expected one character"),
    ] {
        let report = mistake(text);
        assert!(report.contains(expected), "{text}\n{report}");
    }
}

#[test]
fn the_caret_stands_under_its_value_whatever_is_before_it() {
    let tabbed = mistake("(\n\thorizon:\t\"1x\")");
    assert!(tabbed.contains("    horizon:    \"1x\")\n  |                 ^^^^"), "{tabbed}");
    let accented = mistake("(name: \"\u{e9}\u{e9}\u{e9}\", horizon: 3)");
    assert!(accented.contains("s.ron:1:24"), "{accented}");
    let long = mistake(&format!("(name: \"{}\", horizon: 3, seed: {})", "x".repeat(500), "1".repeat(300)));
    let lines: Vec<&str> = long.lines().collect();
    assert!(lines[3].chars().count() < 120, "{long}");
    let caret = lines[4].find('^').unwrap();
    assert_eq!(lines[3].chars().nth(caret), Some('3'), "{long}");
}
