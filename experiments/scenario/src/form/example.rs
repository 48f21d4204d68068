//! A value that would be right, in the notation of scenarios: shown where one is not.

use super::{BARE, EXAMPLE, Field, Form, Kind, Variant, text};
use flashcrowd_language::tree::{Name, Node, Place, Value};
use flashcrowd_language::{Diagnostic, Document};

/// Longer examples explain nothing.
const LONGEST: usize = 88;

impl Form {
    /// A value that is right here.
    pub(crate) fn example(&self) -> String {
        if let Some(example) = self.note(EXAMPLE) {
            return example.to_owned();
        }
        match self.kind() {
            Kind::Struct(_) => format!("({})", self.inside()),
            Kind::Map(of) => format!("{{\"NAME\": {}}}", of.example()),
            Kind::List(of) => format!("[{}]", of.example()),
            Kind::Choice(variants) => match self.bare_variant().and_then(|bare| bare.content) {
                Some(law) => law.example(),
                None => variants.first().map_or_else(String::new, Variant::example),
            },
            Kind::Leaf => match self.json_type() {
                Some("integer") => "2",
                Some("number") => "1.5",
                Some("boolean") => "true",
                _ => "\"NAME\"",
            }
            .to_owned(),
        }
    }

    /// The fields that must be given, or the one that may stand alone, without parentheses.
    fn inside(&self) -> String {
        let Kind::Struct(fields) = self.kind() else { return self.example() };
        if let Some(example) = text(self.schema, EXAMPLE).and_then(|text| text.strip_prefix('(')?.strip_suffix(')')) {
            return example.to_owned();
        }
        // What need not be given is shown alone only where its type says that it may stand so.
        if let Some(field) = self.bare_field().filter(|field| field.required || self.note(BARE).is_some()) {
            return field.form.example();
        }
        let required = fields.iter().filter(|field| field.required);
        required.map(Field::example).collect::<Vec<_>>().join(", ")
    }
}

impl Field {
    /// The field with a value that is right.
    pub(crate) fn example(&self) -> String {
        format!("{}: {}", self.name, self.form.example())
    }
}

impl Variant {
    /// The variant with what it needs.
    pub(crate) fn example(&self) -> String {
        match &self.content {
            None => self.name.to_owned(),
            Some(content) => format!("{}({})", self.name, content.inside()),
        }
    }
}

/// Where all that may stand in a scenario is listed.
const ALL: &str = "all fields: `flashcrowd schema --reference`, or docs/scenario.md";

/// An error of reading, with a line that would be right where there is a short one, and where the rest of a long
/// list stands.
pub(crate) fn explained(document: &Document, error: Diagnostic) -> Diagnostic {
    let error = match (error.is_cut(), &error.help) {
        (false, _) => error,
        (true, None) => error.with_help(ALL),
        (true, Some(help)) => {
            let help = format!("{help} {ALL}");
            error.with_help(help)
        }
    };
    let Some(place) = error.place() else { return error };
    let mut found = None;
    Form::scenario().find(document.root(), place, &mut found);
    let line = found.map(|(name, form)| format!("{name}: {}", form.example()));
    match line.filter(|line| line.chars().count() <= LONGEST) {
        Some(line) => error.with_example(line),
        None => error,
    }
}

impl Form {
    /// Finds the innermost field around a place.
    fn find(&self, node: &Node, place: Place, found: &mut Option<(String, Form)>) {
        if !may_hold(node, place) {
            return;
        }
        match (self.kind(), &node.value) {
            (Kind::Struct(fields), Value::Struct { fields: given, .. }) => find_field(&fields, given, place, found),
            (Kind::Map(of), Value::Map(entries)) => entries.iter().for_each(|(_, value)| of.find(value, place, found)),
            (Kind::List(of), Value::List(items)) => items.iter().for_each(|item| of.find(item, place, found)),
            (Kind::Choice(variants), _) => find_in_variant(&variants, node, place, found),
            _ => {}
        }
    }
}

fn find_in_variant(variants: &[Variant], node: &Node, place: Place, found: &mut Option<(String, Form)>) {
    let name = match &node.value {
        Value::Struct { name: Some(name), .. } | Value::Tuple { name: Some(name), .. } => &name.text,
        _ => return,
    };
    let Some(variant) = variants.iter().find(|variant| variant.name == name) else { return };
    let Some(content) = variant.content else { return };
    match (content.kind(), &node.value) {
        (Kind::Struct(fields), Value::Struct { fields: given, .. }) => find_field(&fields, given, place, found),
        (_, Value::Tuple { items, .. }) => items.iter().for_each(|item| content.find(item, place, found)),
        _ => {}
    }
}

fn find_field(fields: &[Field], given: &[(Name, Node)], place: Place, found: &mut Option<(String, Form)>) {
    for (name, node) in given.iter().filter(|(_, node)| may_hold(node, place)) {
        if let Some(field) = fields.iter().find(|field| field.name == name.text) {
            if holds(node, place) {
                *found = Some((name.text.clone(), field.form));
            }
            field.form.find(node, place, found);
        }
    }
}

fn holds(node: &Node, place: Place) -> bool {
    node.place.source == place.source && node.place.start <= place.start && place.end <= node.place.end
}

/// Whether a place may be in a node or in its parts: what an override gave stands in a text of its own, within
/// a value of the file.
fn may_hold(node: &Node, place: Place) -> bool {
    node.place.source != place.source || holds(node, place)
}
