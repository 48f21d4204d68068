//! What may stand where in a scenario, as its JSON schema says: the schema is made from the types that read
//! scenarios, so nothing here can differ from them.
//!
//! | file | job |
//! | --- | --- |
//! | `mod` (here) | a view of the schema: structs, maps, lists, choices |
//! | `expand` | short spellings in full, and old ones as they are spelled today |
//! | `example` | a value that would be right |
//! | `skeleton` | a commented part of a scenario to start from |
//! | `reference` | every field, for `docs/scenario.md` |

mod example;
mod expand;
mod reference;
mod skeleton;

pub(crate) use example::explained;
pub(crate) use expand::{contract, expand, set};
pub use reference::reference;
pub use skeleton::{parts, skeleton};

use crate::spec::Scenario;
use flashcrowd_language::Document;
use flashcrowd_language::tree::{Node, Value as Written};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};
use std::sync::OnceLock;

/// Of a struct: the field that may stand alone. Of a choice: the variant that is meant where none is named.
pub(crate) const BARE: &str = "x-bare";
/// Of a struct or a choice: old names, and those of today.
pub(crate) const RENAMED: &str = "x-renamed";
/// A value that is right, in the notation of scenarios.
pub(crate) const EXAMPLE: &str = "x-example";
/// Of a field: its text names a file.
const FILE: &str = "x-file";

/// The JSON schema of scenario files: the tree that their RON stands for, with a variant of a choice as the
/// single key of an object.
pub fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<Scenario>();
        schema.insert("title".to_owned(), "flashcrowd scenario".into());
        schema.to_value()
    })
}

/// What may stand in one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// As it stands where it is used: with the words about that use.
    used: &'static Map<String, Value>,
    /// What that refers to.
    schema: &'static Map<String, Value>,
    /// The name of its type, if it has one.
    name: Option<&'static str>,
}

/// A field of a struct.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) required: bool,
}

/// A variant of a choice, and what stands in its parentheses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) content: Option<Form>,
}

/// What kind of value it is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Named fields.
    Struct(Vec<Field>),
    /// Values by name.
    Map(Form),
    /// Values in order.
    List(Form),
    /// One of several variants.
    Choice(Vec<Variant>),
    /// A value without parts that the schema names.
    Leaf,
}

fn object(value: &'static Value) -> &'static Map<String, Value> {
    static NOTHING: OnceLock<Map<String, Value>> = OnceLock::new();
    value.as_object().unwrap_or_else(|| NOTHING.get_or_init(Map::new))
}

fn text(schema: &'static Map<String, Value>, key: &str) -> Option<&'static str> {
    schema.get(key).and_then(Value::as_str)
}

impl Form {
    /// That of a whole scenario.
    pub(crate) fn scenario() -> Form {
        Form { used: object(schema()), schema: object(schema()), name: Some("Scenario") }
    }

    fn of(value: &'static Value) -> Form {
        let used = object(value);
        let (mut schema, mut name) = (used, None);
        loop {
            if let Some(target) = text(schema, "$ref").and_then(|path| path.strip_prefix("#/$defs/")) {
                name = Some(target);
                schema = object(&self::schema()["$defs"][target]);
            } else if let Some(inner) = optional(schema) {
                schema = inner;
            } else {
                return Form { used, schema, name };
            }
        }
    }

    /// The name of its type, if it has one.
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// What is said about it where it is used.
    pub(crate) fn about(&self) -> &'static str {
        text(self.used, "description").or_else(|| text(self.schema, "description")).unwrap_or_default()
    }

    /// What is said about its type.
    pub(crate) fn about_type(&self) -> &'static str {
        text(self.schema, "description").unwrap_or_default()
    }

    /// A note of the schema for this module, the use before the type.
    fn note(&self, key: &str) -> Option<&'static str> {
        text(self.used, key).or_else(|| text(self.schema, key))
    }

    /// Whether a text here names a file.
    pub(crate) fn names_file(&self) -> bool {
        self.used.contains_key(FILE)
    }

    /// The field at the end of a path, as for `--set`, with the name of the type that it is of; names of entries
    /// are passed over. `variant` says which variant a document has at the beginning of the path.
    pub(crate) fn field_at(
        &self,
        path: &str,
        variant: &dyn Fn(&str) -> Option<String>,
    ) -> Option<(Option<&'static str>, Field)> {
        self.field_from(path, 0, variant)
    }

    fn field_from(
        &self,
        path: &str,
        from: usize,
        variant: &dyn Fn(&str) -> Option<String>,
    ) -> Option<(Option<&'static str>, Field)> {
        let end = path[from..].find('.').map(|dot| from + dot);
        let first = &path[from..end.unwrap_or(path.len())];
        match self.kind() {
            Kind::Struct(fields) => {
                let field = fields.iter().find(|field| field.name == first)?;
                match end {
                    None => Some((self.name(), *field)),
                    Some(end) => field.form.field_from(path, end + 1, variant),
                }
            }
            // A name may have dots in it.
            Kind::Map(of) => {
                path[from..].match_indices('.').find_map(|(dot, _)| of.field_from(path, from + dot + 1, variant))
            }
            Kind::List(of) => end.and_then(|end| of.field_from(path, end + 1, variant)),
            Kind::Choice(variants) => {
                let given = variant(&path[..from.saturating_sub(1)]);
                let named = variants.iter().filter(|one| given.as_ref().is_none_or(|given| one.name == given));
                named.filter_map(|variant| variant.content).find_map(|content| content.field_from(path, from, variant))
            }
            Kind::Leaf => None,
        }
    }

    /// What may stand at the end of a path of a document.
    pub(crate) fn at(&self, path: &str, document: &Document) -> Option<Form> {
        let variant = |path: &str| name_of(document.get(path)?).map(str::to_owned);
        self.field_at(path, &variant).map(|(_, field)| field.form)
    }

    fn renamed(&self, old: &str) -> Option<&'static str> {
        self.schema.get(RENAMED)?.get(old)?.as_str()
    }

    /// The type of a leaf in JSON: `integer`, `number`, `string`, `boolean`; nothing where several may stand.
    pub(crate) fn json_type(&self) -> Option<&'static str> {
        match self.schema.get("type")? {
            Value::String(name) => Some(name),
            Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        if let Some(variants) = self.schema.get("oneOf").and_then(Value::as_array) {
            return Kind::Choice(variants.iter().flat_map(variants_of).collect());
        }
        if let Some(fields) = self.schema.get("properties").and_then(Value::as_object) {
            let required = |name: &str| {
                let names = self.schema.get("required").and_then(Value::as_array);
                names.is_some_and(|names| names.iter().any(|found| found == name))
            };
            let field = |(name, value)| Field { name, form: Form::of(value), required: required(name) };
            return Kind::Struct(fields.iter().map(|(name, value)| field((name.as_str(), value))).collect());
        }
        if let Some(items) = self.schema.get("items") {
            return Kind::List(Form::of(items));
        }
        match self.schema.get("additionalProperties") {
            Some(values @ Value::Object(_)) => Kind::Map(Form::of(values)),
            _ => Kind::Leaf,
        }
    }

    /// The field of a struct that may stand alone: the only one that must be given, or the one that its type
    /// names.
    pub(crate) fn bare_field(&self) -> Option<Field> {
        let Kind::Struct(fields) = self.kind() else { return None };
        if let Some(name) = self.note(BARE) {
            return fields.into_iter().find(|field| field.name == name);
        }
        let mut required = fields.into_iter().filter(|field| field.required);
        required.next().filter(|_| required.next().is_none())
    }

    /// The variant that is meant where none is named.
    pub(crate) fn bare_variant(&self) -> Option<Variant> {
        let name = self.note(BARE)?;
        let Kind::Choice(variants) = self.kind() else { return None };
        variants.into_iter().find(|variant| variant.name == name)
    }
}

/// The schema of what may be missing.
fn optional(schema: &'static Map<String, Value>) -> Option<&'static Map<String, Value>> {
    match schema.get("anyOf")?.as_array()?.as_slice() {
        [some, none] if none.get("type").is_some_and(|name| name == "null") => Some(object(some)),
        _ => None,
    }
}

fn variants_of(value: &'static Value) -> Vec<Variant> {
    let schema = object(value);
    let about = text(schema, "description").unwrap_or_default();
    let plain = |name| Variant { name, about, content: None };
    if let Some(name) = text(schema, "const") {
        return vec![plain(name)];
    }
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return names.iter().filter_map(Value::as_str).map(plain).collect();
    }
    let content = schema.get("properties").and_then(Value::as_object);
    let named = content.into_iter().flatten();
    named.map(|(name, value)| Variant { name, about, content: Some(Form::of(value)) }).collect()
}

/// The name of a variant as it is written.
pub(crate) fn name_of(node: &Node) -> Option<&str> {
    match &node.value {
        Written::Ident(name) => Some(name),
        Written::Struct { name: Some(name), .. } | Written::Tuple { name: Some(name), .. } => Some(&name.text),
        _ => None,
    }
}
