//! Settings as RON: the notation of scenario files.

use serde_json::Value;
use std::fmt::Write;

/// A JSON value as scenarios write it; `null` is `None`.
pub(crate) fn ron(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(ron).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.keys().all(|name| is_name(name)) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {}", ron(value))).collect();
            format!("({})", fields.join(", "))
        }
        Value::Object(fields) => {
            let pair = |(name, value): (&String, &Value)| format!("{}: {}", quoted(name), ron(value));
            format!("{{{}}}", fields.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A string with the escapes that scenarios read.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                let _ = write!(quoted, "\\{c}");
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd::scenario::language::Document;
    use serde_json::json;

    #[test]
    fn settings_are_read_back_as_they_were() {
        let settings = json!({
            "text": "a \"b\" \\ \n é", "n": -3, "x": 0.25, "yes": true, "none": null,
            "list": [1, {"a_b": 2}], "map": {"two words": 1}, "empty": {},
        });
        let document = Document::parse("s.ron", &ron(&settings)).unwrap();
        for (name, value) in settings.as_object().unwrap() {
            assert_eq!(document.json_at(name).unwrap(), *value, "{name}");
        }
    }
}
