//! What is right must be read as meant.

use super::super::document::{MAX_BYTES, Origin};
use super::*;

#[test]
fn a_scenario_with_every_construct_is_read() {
    let scenario = read(GOOD).unwrap();
    assert_eq!(scenario.seed, 20_261_123);
    assert_eq!(scenario.pools["h100"].nodes, 16);
    assert_eq!(scenario.pools["h100"].market, Market::Spot);
    assert_eq!(scenario.pools["a.b"].market, Market::OnDemand);
    assert_eq!(scenario.traffic["code"], Traffic::Trace(Trace { path: "code \"x\".csv".into(), time_scale: None }));
    assert_eq!(scenario.traffic["none"], Traffic::Silent);
    assert_eq!(scenario.outages[1].between.1, "ap");
}

#[test]
fn strings_and_numbers_of_every_kind_are_read() {
    let document = Document::parse(
        "s.ron",
        r#"["a\n\u{e9}\x41\
        b", 'c', '\'', -1_0, .5, +3., 0b11, 1E3, None, ("x", 1), Some(Some(2)), r#type]"#,
    )
    .unwrap();
    let shown = document.root().value.to_string();
    assert_eq!(shown, r#"["a\néAb", 'c', '\'', -10, .5, +3., 0b11, 1E3, None, ("x", 1), 2, type]"#);
}

#[test]
fn printing_reads_back_to_the_same() {
    let document = Document::parse("s.ron", GOOD).unwrap();
    let printed = document.root().value.to_string();
    assert_eq!(Document::parse("s.ron", &printed).unwrap().root().value.to_string(), printed);
}

#[test]
fn places_are_found_by_path() {
    let document = Document::parse("s.ron", GOOD).unwrap();
    let report = document.error_at("pools.h100.gpu", "no such GPU");
    assert_eq!((report.line, report.column), (8, 23));
    assert_eq!(report.location(), "s.ron:8:23");
    let report = document.error_at_key("traffic.code", "unknown service");
    assert_eq!((report.line, report.column), (14, 9));
    // What is not written is shown by what is around it.
    assert_eq!(document.error_at("traffic.chat.prompt_cap", "too low").line, 15);
    assert_eq!(document.origin("traffic.chat.rate"), Some(Origin::File { line: 15 }));
    assert_eq!(document.origin("traffic.chat.burst"), None);
}

#[test]
fn deep_and_large_inputs_are_errors() {
    for open in ["(", "[", "{", "A(", "(a:", "{1:", "Some("] {
        let error = mistake(&open.repeat(100_000));
        assert!(error.contains("nested more than 128 deep"), "{open}: {error}");
    }
    assert!(mistake(&"/*".repeat(100_000)).contains("never closed"));
    assert!(mistake(&" ".repeat(MAX_BYTES + 1)).contains("a scenario has at most"));
}

#[test]
fn what_is_no_text_is_refused() {
    let refuse = |bytes: &[u8]| Document::from_bytes("s.ron", bytes).unwrap_err().to_string();
    assert!(refuse(&[0x1f, 0x8b, 8, 0]).contains("gzip"));
    assert!(refuse(b"(a: 1\0)").contains("zero bytes"));
    assert!(refuse(b"(\n\xff\xfe)").contains("the first bad byte is in line 2"));
    assert!(refuse(b"").contains("expected a value, found the end of the text"));
}

/// An enum that holds itself must not be read for ever.
#[test]
fn a_bare_name_is_not_its_own_content() {
    #[derive(Debug, Deserialize)]
    enum Nested {
        #[allow(dead_code)]
        Of(Box<Nested>),
    }
    let document = Document::parse("s.ron", "Of").unwrap();
    assert!(document.deserialize::<Nested>().unwrap_err().message.contains("needs one value in parentheses"));
}
