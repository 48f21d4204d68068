//! A part of a tree as JSON, or as a type of its own: for settings whose schema a policy brings.

use super::de::NodeDeserializer;
use super::diagnostic::Diagnostic;
use super::document::Document;
use super::fault::Fault;
use super::tree::{Name, Node, Place, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// A field that no settings have: a type that accepts it accepts any field.
const STRANGER: &str = "no such field";

impl Document {
    /// Reads the value at `path` as a `T`; `()` if nothing is written there.
    ///
    /// # Errors
    /// The first value that does not fit, with its place.
    pub fn read_at<T: DeserializeOwned>(&self, path: &str) -> Result<T, Diagnostic> {
        let node = self.node_or_empty(path);
        T::deserialize(NodeDeserializer::new(&node)).map_err(|fault| self.explain(fault))
    }

    /// The same with one more field, which a careful type refuses.
    ///
    /// # Errors
    /// As [`Document::read_at`], and the field itself.
    pub fn read_at_with_stranger<T: DeserializeOwned>(&self, path: &str) -> Result<T, Diagnostic> {
        let mut node = self.node_or_empty(path);
        let stranger = Node { value: Value::Bool(true), place: node.place };
        let name = Name { text: STRANGER.to_owned(), place: node.place };
        match &mut node.value {
            Value::Struct { fields, .. } => fields.push((name, stranger)),
            Value::Tuple { items, .. } if items.is_empty() => {
                node.value = Value::Struct { name: None, fields: vec![(name, stranger)] };
            }
            // Settings that are no struct have no fields to misspell.
            _ => return Err(self.error(node.place, "these settings are no struct")),
        }
        T::deserialize(NodeDeserializer::new(&node)).map_err(|fault| self.explain(fault))
    }

    /// The value at `path` as JSON; an empty object if nothing is written there.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn json_at(&self, path: &str) -> Result<Json, Diagnostic> {
        let Some(node) = self.get(path) else { return Ok(Json::Object(Map::new())) };
        json(node).map_err(|fault| self.explain(fault))
    }

    fn node_or_empty(&self, path: &str) -> Node {
        let empty = Value::Tuple { name: None, items: Vec::new() };
        self.get(path).cloned().unwrap_or(Node { value: empty, place: self.nearest_place(path) })
    }
}

fn json(node: &Node) -> Result<Json, Fault> {
    let content = match &node.value {
        Value::Bool(value) => return Ok(Json::Bool(*value)),
        Value::Number(_) => return number(node),
        Value::Char(value) => return Ok(Json::String(value.to_string())),
        Value::Str(text) => return Ok(Json::String(text.clone())),
        Value::Ident(name) if name == "None" => return Ok(Json::Null),
        Value::Ident(name) => return Ok(Json::String(name.clone())),
        Value::List(items) => return items.iter().map(json).collect::<Result<_, _>>().map(Json::Array),
        Value::Map(entries) => object(entries.iter().map(|(key, node)| (key.value.key_text(), node)))?,
        Value::Struct { fields, .. } => object(fields.iter().map(|(name, node)| (name.text.clone(), node)))?,
        Value::Tuple { items, name } => match (items.as_slice(), name) {
            ([], _) => Json::Object(Map::new()),
            ([only], Some(_)) => json(only)?,
            (items, _) => Json::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        },
    };
    // Enums are tagged from outside, as serde reads them.
    Ok(match node.value.name() {
        Some(name) => Json::Object(Map::from_iter([(name.to_owned(), content)])),
        None => content,
    })
}

fn object<'a>(fields: impl Iterator<Item = (String, &'a Node)>) -> Result<Json, Fault> {
    fields.map(|(name, node)| Ok((name, json(node)?))).collect::<Result<Map<_, _>, Fault>>().map(Json::Object)
}

fn number(node: &Node) -> Result<Json, Fault> {
    Json::deserialize(NodeDeserializer::new(node)).map_err(|fault| fault.or_at(node.place))
}

/// If nothing is written at a path, the opening of the value around it is shown.
impl Document {
    fn nearest_place(&self, path: &str) -> Place {
        let parent = path.rsplit_once('.').and_then(|(parent, _)| self.locate(parent));
        parent.unwrap_or(self.root().place).opening()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_strings_and_named_structs_have_them_as_keys() {
        let text = r#"(a: (n: 1, x: -0.5, big: 18446744073709551615), b: [Up, Step(by: 2), At("5s"), Pair(1, 2)], c: None, d: {"k": 'q'}, e: ())"#;
        let document = Document::parse("s.ron", text).unwrap();
        let expected = serde_json::json!({
            "a": { "n": 1, "x": -0.5, "big": u64::MAX },
            "b": ["Up", { "Step": { "by": 2 } }, { "At": "5s" }, { "Pair": [1, 2] }],
            "c": null, "d": { "k": "q" }, "e": {},
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(document.json_at(name).unwrap(), *value, "{name}");
        }
        assert_eq!(document.json_at("nothing").unwrap(), serde_json::json!({}));
    }
}
