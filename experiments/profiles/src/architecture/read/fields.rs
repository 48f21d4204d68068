//! Typed access to the fields of a configuration. `null` counts as absent.

use super::super::error::ConfigError;
use serde_json::{Map, Value};

/// Most that a count or a width may be: no product of three overflows.
const MOST: u64 = 1 << 20;
/// Most entries of a vocabulary, and positions.
const MOST_TOKENS: u64 = 1 << 28;

/// Fields that a wrapper may have beside its language model.
const OUTER: [&str; 3] = ["quantization_config", "tie_word_embeddings", "vocab_size"];

/// The fields of one object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// The file around it, which may hold what is not the language model's alone.
    outer: Option<&'a Map<String, Value>>,
    /// Its path, with a dot at its end; empty for the file itself.
    path: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(object: &'a Map<String, Value>, path: &'static str) -> Self {
        Fields { object, outer: None, path }
    }

    pub(super) fn within(self, outer: &'a Map<String, Value>) -> Self {
        Fields { outer: Some(outer), ..self }
    }

    /// The field; some stand in the file around.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        let there = |object: &'a Map<String, Value>| object.get(name).filter(|value| !value.is_null());
        there(self.object).or_else(|| there(self.outer.filter(|_| OUTER.contains(&name))?))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.object.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())
    }

    /// The path of a field.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    pub(super) fn error(&self, name: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::of(self.path(name), message)
    }

    /// A whole number, at least 1.
    pub(super) fn size(&self, name: &str) -> Result<Option<u64>, ConfigError> {
        match self.count(name)? {
            Some(0) => Err(self.error(name, "expected a number above 0, found 0")),
            other => Ok(other),
        }
    }

    /// A whole number.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, ConfigError> {
        self.get(name).map(|value| self.number(name, value)).transpose()
    }

    pub(super) fn number(&self, name: &str, value: &Value) -> Result<u64, ConfigError> {
        let whole =
            value.as_u64().or_else(|| value.as_f64().filter(|x| x.fract() == 0.0 && *x >= 0.0).map(|x| x as u64));
        let found = || self.error(name, format!("expected a whole number, found {}", shown(value)));
        let number = whole.ok_or_else(found)?;
        let most = if matches!(name, "vocab_size" | "max_position_embeddings" | "sliding_window") {
            MOST_TOKENS
        } else {
            MOST
        };
        if number > most {
            return Err(self.error(name, format!("expected at most {most}, found {number}")));
        }
        Ok(number)
    }

    /// The first of these that is there.
    pub(super) fn first(&self, names: &[&str]) -> Result<Option<u64>, ConfigError> {
        let there = names.iter().find(|name| self.get(name).is_some());
        there.map_or(Ok(None), |name| self.size(name))
    }

    /// The first of these that is there, or a refusal that names the first.
    pub(super) fn required(&self, names: &[&str]) -> Result<u64, ConfigError> {
        let missing = || self.error(names[0], "is missing: without it the model's shape is not known");
        self.first(names)?.ok_or_else(missing)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.error(name, format!("expected true or false, found {}", shown(other)))),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str)
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<&'a [Value]>, ConfigError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(self.error(name, format!("expected a list, found {}", shown(other)))),
        }
    }

    /// A list with an entry for each layer; further entries, such as those of draft layers, are left out.
    pub(super) fn by_layer(&self, name: &str, layers: u64) -> Result<Option<&'a [Value]>, ConfigError> {
        let Some(items) = self.list(name)? else { return Ok(None) };
        let wanted = layers as usize;
        match items.get(..wanted) {
            Some(items) if wanted > 0 => Ok(Some(items)),
            _ if items.is_empty() => Ok(None),
            _ => Err(self.error(name, format!("expected {wanted} entries, one for each layer, found {}", items.len()))),
        }
    }
}

/// A value in a message.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}
