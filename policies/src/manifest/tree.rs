//! A YAML (or JSON) document as a small tree in which every node knows its place.

pub(crate) use super::place::Place;
use super::{ManifestError, helm};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DuplicateKeyPolicy, Error, Spanned, UserMessageFormatter};
use std::fmt;

/// A manifest is a few kilobytes; what is far larger is another file.
const MAX_BYTES: usize = 8 << 20;

/// The deepest part of a real file, `managedFields` of a Deployment in a `List`, is at about 20.
/// A debug build takes 40 KB of stack per level, and a test's thread has 2 MB.
const MAX_DEPTH: usize = 32;

/// A node and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
}

impl Node {
    /// What it holds, for messages.
    pub(crate) fn kind(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("the truth value {value}"),
            Value::Int(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) => format!("the text \"{}\"", shorten(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }

    /// The value of `key`, if this is a map that has it and it is not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else { return None };
        let (_, node) = entries.iter().find(|(k, _)| k.text == key)?;
        (node.value != Value::Null).then_some(node)
    }

    /// Its text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }
}

/// The start of a text that a message can hold.
pub(crate) fn shorten(text: &str) -> String {
    const KEPT: usize = 60;
    if text.chars().count() <= KEPT {
        return text.escape_debug().to_string();
    }
    let start: String = text.chars().take(KEPT).collect();
    format!("{}...", start.escape_debug())
}

/// Reads all documents of a file; empty ones are left out.
pub(crate) fn documents(bytes: &[u8]) -> Result<Vec<Node>, ManifestError> {
    if bytes.len() > MAX_BYTES {
        let message = format!("the file has {} bytes: a manifest may have at most {MAX_BYTES}", bytes.len());
        return Err(ManifestError { line: None, column: None, message, hint: None });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ManifestError {
            line: Some(line),
            column: Some(column),
            message: "not a text file: expected YAML or JSON in UTF-8".to_owned(),
            hint: None,
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, flow_nesting_limit: MAX_DEPTH },
    };
    match serde_saphyr::from_multiple_with_options::<Node>(text, options) {
        Ok(nodes) => helm::read_wrongly(text).map_or(Ok(nodes), Err),
        Err(error) => Err(helm::unreadable(text).unwrap_or_else(|| from_yaml(&error))),
    }
}

fn from_yaml(error: &serde_saphyr::Error) -> ManifestError {
    let place = error.location().map(|location| (location.line() as usize, location.column() as usize));
    let place = place.filter(|(line, column)| *line > 0 && *column > 0);
    let mut message = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    // The place stands in fields of its own, and the message in one line.
    for end in [" at line ", "\n"] {
        let kept = message.find(end).unwrap_or(message.len());
        message.truncate(kept);
    }
    if let Error::Budget { breach: BudgetBreach::Depth { .. }, .. } = error.without_snippet() {
        message = format!("nested too deeply: expected at most {MAX_DEPTH} levels");
    }
    ManifestError { line: place.map(|p| p.0), column: place.map(|p| p.1), message, hint: None }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Node { place: place(&spanned), value: spanned.value })
    }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    Place { line: spanned.referenced.line() as usize, column: spanned.referenced.column() as usize }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let value = map.next_value()?;
            entries.push((Key { place: place(&key), text: key.value }, value));
        }
        Ok(Value::Map(entries))
    }
}
