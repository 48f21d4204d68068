//! The `ron` crate as oracle: what both read is the same, but for the names of structs and variants, which
//! its values do not keep.

use super::super::tree::{Node, Value};
use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A value without names of structs, numbers to six digits: its `f32`s have no more.
fn of_ours(node: &Node) -> String {
    match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Number(text) => number(text),
        Value::Char(value) => format!("{value:?}"),
        Value::Str(text) => format!("{text:?}"),
        Value::Ident(name) if name == "None" => "none".to_owned(),
        Value::Ident(_) => "unit".to_owned(),
        Value::Tuple { name: Some(name), items } if name.text == "Some" => of_ours(&items[0]),
        Value::Tuple { name: None, items } if items.is_empty() => "unit".to_owned(),
        Value::List(items) | Value::Tuple { items, .. } => list(items.iter().map(of_ours)),
        Value::Map(entries) => map(entries.iter().map(|(key, value)| (of_ours(key), of_ours(value)))),
        Value::Struct { fields, .. } => {
            map(fields.iter().map(|(name, value)| (format!("{:?}", name.text), of_ours(value))))
        }
    }
}

fn of_theirs(value: &ron::Value) -> String {
    match value {
        ron::Value::Bool(value) => value.to_string(),
        ron::Value::Number(value) => format!("{:.4e}", value.into_f64()),
        ron::Value::Char(value) => format!("{value:?}"),
        ron::Value::String(text) => format!("{text:?}"),
        ron::Value::Option(Some(value)) => of_theirs(value),
        ron::Value::Option(None) => "none".to_owned(),
        ron::Value::Unit => "unit".to_owned(),
        ron::Value::Seq(items) => list(items.iter().map(of_theirs)),
        ron::Value::Map(entries) => map(entries.iter().map(|(key, value)| (of_theirs(key), of_theirs(value)))),
        ron::Value::Bytes(bytes) => format!("{bytes:?}"),
    }
}

fn number(text: &str) -> String {
    let plain = text.replace('_', "");
    let radix = [("0x", 16), ("0b", 2), ("0o", 8)].into_iter().find(|(prefix, _)| plain.starts_with(prefix));
    let value = match radix {
        Some((_, radix)) => u64::from_str_radix(&plain[2..], radix).map(|whole| whole as f64).ok(),
        None => plain.parse().ok(),
    };
    format!("{:.4e}", value.unwrap_or(f64::NAN))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// In the order of the keys: theirs keep no order.
fn map(entries: impl Iterator<Item = (String, String)>) -> String {
    let sorted: BTreeMap<String, String> = entries.collect();
    list(sorted.iter().map(|(key, value)| format!("{key}: {value}")))
}

/// What both read of a text; nothing if one of them refuses it.
fn both(text: &str) -> Option<(String, String)> {
    let ours = Document::parse("s.ron", text).ok()?;
    let theirs: ron::Value = ron::from_str(text).ok()?;
    Some((of_ours(ours.root()), of_theirs(&theirs)))
}

fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "ron") {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_file_of_the_repository_is_read_as_ron_reads_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = Vec::new();
    for folder in ["scenarios", "profiles", "examples/my-policy"] {
        files(&root.join(folder), &mut texts);
    }
    assert!(texts.len() > 20, "{}", texts.len());
    for text in &texts {
        let (ours, theirs) = both(text).unwrap_or_else(|| panic!("one of the two refuses\n{text}"));
        assert!(ours == theirs, "{ours}\n{theirs}");
    }
}

/// A text of nested values.
fn text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("None".to_owned()),
        Just("Random".to_owned()),
        Just("()".to_owned()),
        any::<i32>().prop_map(|number| number.to_string()),
        (0.0_f32..1e6).prop_map(|number| format!("{number:?}")),
        "[0-9]{1,3}(_[0-9]{3}){0,2}",
        "\"[a-z0-9 @./:]{0,8}\"",
        Just("r#\"a \"quoted\" \\ text\"#".to_owned()),
        Just("\"\\n\\u{1F600}\\\"\"".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let many = prop::collection::vec(inner, 0..5);
        (many, 0_usize..5).prop_map(|(parts, form)| {
            let fields = |start: &str| {
                let mut text = start.to_owned();
                for (part, at) in parts.iter().zip(0..) {
                    let _ = write!(text, "f{at}: {part}, // one\n /* and /* another */ */");
                }
                text + ")"
            };
            match form {
                0 => format!("[{}]", parts.join(", ")),
                1 => fields("("),
                2 => fields("Poisson("),
                3 if !parts.is_empty() => format!("Pair({})", parts.join(", ")),
                _ => {
                    let entries = parts.iter().zip(0..).map(|(part, at)| format!("\"k.{at}\": {part}"));
                    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
                }
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nested_values_are_read_as_ron_reads_them(text in text()) {
        let both = both(&text);
        prop_assert!(both.is_some(), "one of the two refuses {text}");
        let (ours, theirs) = both.unwrap_or_default();
        prop_assert_eq!(ours, theirs);
    }

    /// A broken text may be refused by one of the two alone, but never read as two things.
    #[test]
    fn mutated_scenarios_are_read_alike_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, "[(),:\"a-z0-9 ]{0,2}"), 1..4),
    ) {
        let mut text = GOOD.as_bytes().to_vec();
        for (at, cut, insert) in edits {
            let at = at.index(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, insert.into_bytes());
        }
        if let Some((ours, theirs)) = std::str::from_utf8(&text).ok().and_then(both) {
            prop_assert_eq!(ours, theirs);
        }
    }
}
