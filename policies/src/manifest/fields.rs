//! Typed access to the fields of a map. A message about a field that is missing, unknown or of the
//! wrong type names its path, its place and the nearest right name.

use super::Quantity;
use super::error::{ManifestError, ManifestWarning, nearest};
use super::tree::{Key, Node, Place, Value, shorten};

/// Where fields are read from, and where ignored fields are noted.
pub(crate) struct Fields<'a> {
    /// Path of the map, such as `spec.behavior`.
    pub(crate) path: String,
    /// Where it starts.
    pub(crate) place: Place,
    entries: &'a [(Key, Node)],
    asked: Vec<&'static str>,
}

type Result<T> = std::result::Result<T, ManifestError>;

impl<'a> Fields<'a> {
    /// The fields of `node`, which must be a map.
    pub(crate) fn of(node: &'a Node, path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match &node.value {
            Value::Map(entries) => Ok(Fields { path, place: node.place, entries, asked: Vec::new() }),
            _ => Err(ManifestError::at(node.place, format!("{path}: expected a map, found {}", node.kind()))),
        }
    }

    /// The path of one of its fields.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A field that may be missing; null counts as missing, as it does for the API server.
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<&'a Node> {
        self.asked.push(name);
        self.entry(name)
    }

    /// A field of any name that is not null, without a note that it was asked for.
    pub(crate) fn entry(&self, name: &str) -> Option<&'a Node> {
        let (_, node) = self.entries.iter().find(|(key, _)| key.text == name)?;
        (node.value != Value::Null).then_some(node)
    }

    /// A field that must be there.
    pub(crate) fn required(&mut self, name: &'static str) -> Result<&'a Node> {
        if let Some(node) = self.optional(name) {
            return Ok(node);
        }
        let similar = self.entries.iter().map(|(key, _)| key.text.as_str()).filter(|key| !self.asked.contains(key));
        let hint =
            nearest(name, similar).map(|written| format!("`{written}` is written there: did you mean `{name}`?"));
        let message = format!("{}: required, but missing", self.path_of(name));
        Err(ManifestError::at(self.place, message).maybe_hint(hint))
    }

    /// A map that may be missing.
    pub(crate) fn optional_map(&mut self, name: &'static str) -> Result<Option<Fields<'a>>> {
        let path = self.path_of(name);
        self.optional(name).map(|node| Fields::of(node, path)).transpose()
    }

    /// A map that must be there.
    pub(crate) fn required_map(&mut self, name: &'static str) -> Result<Fields<'a>> {
        let node = self.required(name)?;
        Fields::of(node, self.path_of(name))
    }

    /// A list that may be missing.
    pub(crate) fn optional_list(&mut self, name: &'static str) -> Result<Option<&'a [Node]>> {
        let Some(node) = self.optional(name) else { return Ok(None) };
        match &node.value {
            Value::List(items) => Ok(Some(items)),
            _ => Err(self.wrong(name, node, "a list")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required_text(&mut self, name: &'static str) -> Result<&'a str> {
        let node = self.required(name)?;
        node.text().ok_or_else(|| self.wrong(name, node, "a text"))
    }

    /// A text that may be missing.
    pub(crate) fn optional_text(&mut self, name: &'static str) -> Result<Option<&'a str>> {
        let Some(node) = self.optional(name) else { return Ok(None) };
        node.text().map(Some).ok_or_else(|| self.wrong(name, node, "a text"))
    }

    /// A 32-bit integer that may be missing. Text is refused, as the API server refuses it.
    pub(crate) fn optional_int(&mut self, name: &'static str) -> Result<Option<i32>> {
        let Some(node) = self.optional(name) else { return Ok(None) };
        let whole = match node.value {
            Value::Int(value) => i32::try_from(value).ok(),
            // YAML's 1e1 reaches the API server as 10.
            Value::Float(value) if value.fract() == 0.0 && value.abs() <= f64::from(i32::MAX) => Some(value as i32),
            _ => None,
        };
        match (whole, &node.value) {
            (Some(value), _) => Ok(Some(value)),
            (None, Value::Text(text)) if text.trim().parse::<i32>().is_ok() => {
                let hint = format!("write {} without quotes", text.trim());
                Err(self.wrong(name, node, "an integer").hint(hint))
            }
            _ => Err(self.wrong(name, node, "an integer of 32 bits")),
        }
    }

    /// A 32-bit integer that must be there.
    pub(crate) fn required_int(&mut self, name: &'static str) -> Result<i32> {
        let node = self.required(name)?;
        self.optional_int(name)?.ok_or_else(|| self.wrong(name, node, "an integer"))
    }

    /// The text of a quantity that may be missing; a bare number will do.
    pub(crate) fn optional_quantity_text(&mut self, name: &'static str) -> Result<Option<(String, &'a Node)>> {
        let Some(node) = self.optional(name) else { return Ok(None) };
        let text = match &node.value {
            Value::Text(text) => text.trim().to_owned(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            _ => return Err(self.wrong(name, node, "a quantity such as 70 or \"750m\"")),
        };
        Ok(Some((text, node)))
    }

    /// A quantity that may be missing.
    pub(crate) fn optional_quantity(&mut self, name: &'static str) -> Result<Option<Quantity>> {
        let Some((text, node)) = self.optional_quantity_text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| {
            let message = format!("{}: \"{}\" is no quantity: {error}", self.path_of(name), shorten(&text));
            ManifestError::at(node.place, message)
        })
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(&mut self, name: &'static str, node: &'a Node, words: &[(&str, T)]) -> Result<T> {
        let text = node.text().ok_or_else(|| self.wrong(name, node, "a text"))?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*value);
        }
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("{}: \"{}\" is not one of {}", self.path_of(name), shorten(text), list.join(", "));
        let hint = nearest(text, list.iter().copied()).map(|word| format!("did you mean `{word}`?"));
        Err(ManifestError::at(node.place, message).maybe_hint(hint))
    }

    /// Notes every field that was not read.
    pub(crate) fn finish(self, warnings: &mut Vec<ManifestWarning>) {
        for (key, _) in self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.text.as_str())) {
            // A field that the map already has cannot be the one that was meant.
            let absent = |name: &&str| self.entries.iter().all(|(key, _)| key.text != *name);
            let similar = nearest(&key.text, self.asked.iter().copied()).filter(absent);
            let suggestion = similar.map(|name| format!("; did you mean `{name}`?"));
            warnings.push(ManifestWarning {
                line: key.place.line,
                column: key.place.column,
                path: self.path_of(&shorten(&key.text)),
                message: format!("unknown field, ignored{}", suggestion.unwrap_or_default()),
            });
        }
    }

    /// Notes a field that is known and has no effect here.
    pub(crate) fn without_effect(&mut self, name: &'static str, why: &str, warnings: &mut Vec<ManifestWarning>) {
        self.asked.push(name);
        if let Some((key, _)) = self.entries.iter().find(|(key, _)| key.text == name) {
            let Place { line, column } = key.place;
            warnings.push(ManifestWarning { line, column, path: self.path_of(name), message: why.to_owned() });
        }
    }

    fn wrong(&self, name: &str, node: &Node, expected: &str) -> ManifestError {
        let message = format!("{}: expected {expected}, found {}", self.path_of(name), node.kind());
        ManifestError::at(node.place, message)
    }
}
