//! JSON lines: one object a line, its fields named by dotted paths.

use super::super::format::Complaint;
use super::super::lines::Lines;
use super::super::refuse::refuse;
use super::records::{Cell, Records};
use flashcrowd_core::ports::SourceError;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// So many objects are looked at for what keys there are: an object may lack some.
const LOOKED_AT: usize = 100;
/// Most keys that are known, and how deep they may lie.
const MOST_KEYS: usize = 1_000;
const DEPTH: usize = 8;

/// Objects, one a line.
pub(super) struct Objects {
    lines: Lines,
    names: Vec<String>,
    paths: Vec<String>,
    values: Vec<Value>,
}

/// A value of a chosen field; its text is kept between records, so that little is allocated.
#[derive(Debug, Default)]
struct Value {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Debug, Default)]
enum Kind {
    #[default]
    Empty,
    Text,
    Other(&'static str),
}

impl Objects {
    /// Opens the file and looks at its first objects.
    pub(super) fn open(path: &Path) -> Result<Objects, SourceError> {
        let (mut names, mut wrong) = (Vec::new(), None);
        let mut ahead = Lines::open(path)?;
        for _ in 0..LOOKED_AT {
            let Some(line) = ahead.next_line()? else { break };
            // What is no object is a bad row, which is met when it is read.
            let complaint = match parse(line) {
                Ok(object) => {
                    list(&object, "", DEPTH, &mut names);
                    continue;
                }
                Err(complaint) if !line.trim().is_empty() => complaint,
                Err(_) => continue,
            };
            wrong.get_or_insert_with(|| (ahead.place(), complaint));
        }
        // Unless nothing is an object.
        if let Some((place, (message, hint))) = wrong.filter(|_| names.is_empty()) {
            return Err(refuse(place, message, hint));
        }
        Ok(Objects { lines: Lines::open(path)?, names, paths: Vec::new(), values: Vec::new() })
    }
}

impl Records for Objects {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn field_word(&self) -> &'static str {
        "key"
    }

    fn choose(&mut self, names: &[&str]) -> Result<(), SourceError> {
        if let Some(missing) = names.iter().find(|name| !self.names.iter().any(|known| known == *name)) {
            return Err(self.lines.refuse(format!("no object has the key `{missing}`")));
        }
        self.paths = names.iter().map(|name| (*name).to_owned()).collect();
        self.values = names.iter().map(|_| Value::default()).collect();
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<Result<(), Complaint>>, SourceError> {
        let object = loop {
            let Some(line) = self.lines.next_line()? else { return Ok(None) };
            let line = line.trim_start_matches('\u{feff}').trim();
            if !line.is_empty() {
                break parse(line);
            }
        };
        let object = match object {
            Ok(object) => object,
            Err(complaint) => return Ok(Some(Err(complaint))),
        };
        for (path, value) in self.paths.iter().zip(&mut self.values) {
            value.take(find(&object, path).as_deref());
        }
        Ok(Some(Ok(())))
    }

    fn cell(&self, chosen: usize) -> Cell<'_> {
        match self.values.get(chosen) {
            Some(Value { kind: Kind::Text, text }) => Cell::Text(text),
            Some(Value { kind: Kind::Other(what), .. }) => Cell::Other(what),
            Some(Value { kind: Kind::Empty, .. }) | None => Cell::Empty,
        }
    }

    fn place(&self) -> String {
        self.lines.place()
    }

    fn file(&self) -> &str {
        self.lines.name()
    }
}

impl Value {
    /// Takes what stands in the text of the file: numbers as they are written there.
    fn take(&mut self, raw: Option<&str>) {
        self.text.clear();
        self.kind = match raw.and_then(|raw| Some((raw, *raw.as_bytes().first()?))) {
            None | Some((_, b'n')) => Kind::Empty,
            Some((_, b'{')) => Kind::Other("an object"),
            Some((_, b'[')) => Kind::Other("a list"),
            Some((raw, b'"')) => {
                // What was read as a part of an object is a string.
                self.text.push_str(&serde_json::from_str::<String>(raw).unwrap_or_default());
                if self.text.trim().is_empty() { Kind::Empty } else { Kind::Text }
            }
            Some((raw, _)) => {
                self.text.push_str(raw);
                Kind::Text
            }
        };
    }
}

/// An object whose values are not looked into.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

impl<'a> Object<'a> {
    /// The last value of that key, as most readers take it.
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
    }
}

fn parse(line: &str) -> Result<Object<'_>, Complaint> {
    let line = line.trim_start_matches('\u{feff}');
    serde_json::from_str(line).map_err(|error| {
        let words = error.to_string();
        let words = words.split(" at line").next().unwrap_or("it is no JSON");
        let hint = match line.trim_start().chars().next() {
            Some('[') => Some("write one object a line: `jq -c '.[]'`".to_owned()),
            Some('{') if error.is_eof() => Some("an object stands on one line: `jq -c .`".to_owned()),
            _ => None,
        };
        (format!("this line is no JSON object: {words} (column {})", error.column()), hint)
    })
}

/// What a path leads to: a key of that whole name, or step by step from one object into the next.
fn find(object: &Object<'_>, path: &str) -> Option<String> {
    if let Some(value) = object.get(path) {
        return Some(value.get().to_owned());
    }
    path.rmatch_indices('.').find_map(|(dot, _)| {
        let inner = object.get(&path[..dot])?;
        find(&serde_json::from_str(inner.get()).ok()?, &path[dot + 1..])
    })
}

/// Adds the paths of an object's values, in the order of the text.
fn list(object: &Object<'_>, before: &str, depth: usize, names: &mut Vec<String>) {
    for (key, value) in &object.0 {
        if names.len() >= MOST_KEYS {
            return;
        }
        let path = format!("{before}{key}");
        let inner = (depth > 0).then(|| serde_json::from_str::<Object<'_>>(value.get()).ok()).flatten();
        match inner {
            Some(inner) if !inner.0.is_empty() => list(&inner, &format!("{path}."), depth - 1, names),
            _ if !names.contains(&path) => names.push(path),
            _ => {}
        }
    }
}

/// The paths of the values of one line, if it is an object.
pub(in super::super) fn keys(line: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    list(&parse(line).ok()?, "", DEPTH, &mut names);
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_into_objects_or_are_keys_themselves() {
        let line =
            r#"{"a.b": 1, "a": {"b": 2, "c": {"d": 3.50, "e.f": "x"}}, "n": null, "a": {"c": {"d": 4.0}, "c.d": 5}}"#;
        let object = parse(line).unwrap();
        let at = |path| find(&object, path);
        assert_eq!(at("a.b").as_deref(), Some("1"), "a key of the whole name goes before a path");
        assert_eq!(at("a.c.d").as_deref(), Some("5"));
        assert_eq!((at("n").as_deref(), at("a.x"), at("n.x"), at("")), (Some("null"), None, None, None));
        assert_eq!(keys(line).unwrap(), ["a.b", "a.c.d", "a.c.e.f", "n"]);
    }
}
