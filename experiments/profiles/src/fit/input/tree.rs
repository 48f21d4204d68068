//! JSON: one result, a list of them, one a line, or guidellm's report with its list `benchmarks`.

use super::record::{Cell, Record, Text};
use flashcrowd_language::Diagnostic;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::ops::Range;

/// A document without its single requests, which make up nearly all of guidellm's reports.
struct Pruned(Value);

/// The key that requests stand below.
const REQUESTS: &str = "requests";

impl<'de> Deserialize<'de> for Pruned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PrunedVisitor)
    }
}

struct PrunedVisitor;

impl<'de> Visitor<'de> for PrunedVisitor {
    type Value = Pruned;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Pruned, E> {
        Ok(Pruned(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Pruned, E> {
        Ok(Pruned(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Pruned, E> {
        Ok(Pruned(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Pruned, E> {
        Ok(Pruned(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Pruned, E> {
        Ok(Pruned(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Pruned, E> {
        Ok(Pruned(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Pruned, A::Error> {
        let mut all = Vec::new();
        while let Some(Pruned(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Pruned(Value::Array(all)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Pruned, A::Error> {
        let mut all = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if key == REQUESTS {
                fields.next_value::<IgnoredAny>()?;
            } else {
                all.insert(key, fields.next_value::<Pruned>()?.0);
            }
        }
        Ok(Pruned(Value::Object(all)))
    }
}

pub(super) fn records(text: &Text) -> Result<Vec<Record>, Diagnostic> {
    let mut records = Vec::new();
    let mut documents = serde_json::Deserializer::from_str(text.text()).into_iter::<Pruned>();
    let mut from = 0;
    while let Some(document) = documents.next() {
        let Pruned(document) = document.map_err(|error| {
            let at = offset(text.text(), error.line(), error.column());
            let words = error.to_string();
            let words = words.split(" at line").next().unwrap_or("this is not JSON").to_owned();
            text.error(&(at..at + 1), format!("this is not JSON: {words}"))
        })?;
        let at = from..documents.byte_offset();
        from = at.end;
        for run in runs(&document) {
            records.push(record(text, run, &at));
        }
    }
    if records.is_empty() {
        return Err(Diagnostic::about(text.file(), "there is no run in this file"));
    }
    Ok(records)
}

/// The runs of a document.
fn runs(document: &Value) -> Vec<&Value> {
    match document {
        Value::Array(items) => items.iter().flat_map(runs).collect(),
        Value::Object(fields) => match fields.get("benchmarks") {
            Some(Value::Array(items)) => items.iter().collect(),
            _ => vec![document],
        },
        _ => Vec::new(),
    }
}

/// Byte offset of a 1-based line and column.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (before + column.saturating_sub(1)).min(text.len().saturating_sub(1));
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A run's values by their paths, such as `metrics.time_to_first_token_ms.successful.mean`. The
/// reader of JSON keeps no places: a message finds the last key's first mention.
fn record(text: &Text, run: &Value, at: &Range<usize>) -> Record {
    let mut record = Record { keys: at.start..at.start + 1, ..Record::default() };
    let mut left = vec![(String::new(), run)];
    while let Some((path, value)) = left.pop() {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Object(fields) => left.extend(fields.iter().map(|(key, value)| (below(key), value))),
            // Lists are lengths or gaps of single requests; only their spread is of use.
            Value::Array(items) => {
                if let Some(deviation) = deviation(items) {
                    insert(text, &mut record, &below("deviation"), deviation.to_string(), at);
                }
            }
            Value::String(words) => insert(text, &mut record, &path, words.clone(), at),
            other => insert(text, &mut record, &path, other.to_string(), at),
        }
    }
    record
}

fn insert(text: &Text, record: &mut Record, path: &str, value: String, document: &Range<usize>) {
    let key = path.rsplit('.').next().unwrap_or(path);
    let found = text.text()[document.clone()].find(&format!("\"{key}\"")).map(|at| document.start + at);
    let at = found.map_or(document.start..document.start + 1, |at| at..at + key.len() + 2);
    record.cells.insert(path.to_owned(), Cell { text: value, at });
}

/// Standard deviation of a list of numbers.
fn deviation(items: &[Value]) -> Option<f64> {
    let numbers: Option<Vec<f64>> = items.iter().map(Value::as_f64).collect();
    let numbers = numbers.filter(|numbers| numbers.len() > 1)?;
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    Some((numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64).sqrt())
}
