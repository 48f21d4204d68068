//! No input may panic, and every report must render with its caret on its line.

use super::*;
use proptest::prelude::*;

fn survives(bytes: &[u8]) {
    let report = match Document::from_bytes("s.ron", bytes) {
        Ok(document) => {
            let printed = document.root().value.to_string();
            Document::parse("s.ron", &printed).expect("what is printed can be read");
            document.deserialize::<Scenario>().err()
        }
        Err(report) => Some(report),
    };
    if let Some(report) = report {
        assert!(report.to_string().starts_with("error: "));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    #[test]
    fn random_ron_like_text_does_not_panic(text in r#"[\[\](){}:,"'a-c0-9 ._/*\\#rbxeSome+\n-]{0,120}"#) {
        survives(text.as_bytes());
    }

    #[test]
    fn mutated_scenarios_do_not_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, "[\\PC]{0,3}"), 1..6),
    ) {
        let mut text = GOOD.as_bytes().to_vec();
        for (at, cut, insert) in edits {
            let at = at.index(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, insert.into_bytes());
            if text.is_empty() {
                break;
            }
        }
        survives(&text);
    }

    #[test]
    fn random_overrides_do_not_panic(path in r#"(traffic|pools|code|h100|a|0|1|["][a.]["]|[.=]){0,6}"#, value in "\\PC{0,20}") {
        let mut document = Document::parse("s.ron", GOOD).unwrap();
        let report = document.set("--set", &format!("{path}={value}")).err();
        let report = report.or_else(|| document.deserialize::<Scenario>().err());
        prop_assert!(report.is_none_or(|report| report.to_string().starts_with("error: ")));
    }
}
