//! Short spellings in full, and old ones as they are spelled today.
//!
//! What is written shortly is the same tree as what is written in full, so that `--set` finds its parts and
//! the types that read it know one spelling.

use super::{Field, Form, Kind, RENAMED, Variant, name_of};
use flashcrowd_language::distribution::DISTRIBUTIONS;
use flashcrowd_language::tree::{Name, Node, Place, Value};
use flashcrowd_language::{Diagnostic, Document, nearest};

/// Writes short and old spellings of a scenario in full, and says which old ones there were.
pub(crate) fn expand(document: &mut Document) -> Vec<String> {
    let mut old = Vec::new();
    Form::scenario().expand(document.root_mut(), &mut old);
    old.sort_by_key(|(place, _)| (place.source, place.start));
    old.into_iter().map(|(place, words)| format!("{}: {words}", document.location(place))).collect()
}

/// Applies an override and writes it in full; says which old spellings are in it.
///
/// # Errors
/// As [`Document::set`].
pub(crate) fn set(document: &mut Document, label: &str, assignment: &str) -> Result<Vec<String>, Diagnostic> {
    match into_manifest(document, assignment) {
        Some(inside) => document.set(label, &inside)?,
        None => document.set(label, assignment)?,
    }
    Ok(expand(document))
}

/// `services.chat.autoscaler.spec.maxReplicas=9` where the autoscaler is a manifest: the assignment to
/// its `set` that says the same. `None` for every other path.
fn into_manifest(document: &Document, assignment: &str) -> Option<String> {
    const AUTOSCALER: &str = ".autoscaler.";
    let end = assignment.find(AUTOSCALER).filter(|_| assignment.starts_with("services."))?;
    let (scaler, rest) = (&assignment[..end + AUTOSCALER.len() - 1], &assignment[end + AUTOSCALER.len()..]);
    let node = document.get(scaler)?;
    let Value::Struct { name: Some(name), fields } = &node.value else { return None };
    let first = rest.split(['.', '=', '[']).next().unwrap_or_default().trim();
    let own = Form::scenario().at(&format!("{scaler}.{first}"), document).is_some();
    if name.text != "Manifest" || own || first.is_empty() {
        return None;
    }
    let (path, value) = split_assignment(rest)?;
    let mut entries = Vec::new();
    if let Some((_, set)) = fields.iter().find(|(name, _)| name.text == "set")
        && let Value::Map(known) = &set.value
    {
        for (key, value) in known {
            if let (Value::Str(key), Value::Str(value)) = (&key.value, &value.value)
                && key != path
            {
                entries.push(format!("{key:?}: {value:?}"));
            }
        }
    }
    // A text may be typed with its quotes.
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    entries.push(format!("{path:?}: {value:?}"));
    Some(format!("{scaler}.set={{{}}}", entries.join(", ")))
}

/// Path and value, at the first `=` outside quotes.
fn split_assignment(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '=' && !quoted
    });
    at.map(|(at, _)| (text[..at].trim(), text[at + 1..].trim()))
}

/// Writes what needs no name without it: the other way of [`expand`].
pub(crate) fn contract(document: &mut Document) {
    Form::scenario().contract(document.root_mut());
}

/// Old spellings, with what to write in their place.
type Old = Vec<(Place, String)>;

impl Form {
    fn expand(&self, node: &mut Node, old: &mut Old) {
        match self.kind() {
            Kind::Struct(_) => self.expand_struct(node, old),
            Kind::Choice(variants) => self.expand_choice(&variants, node, old),
            Kind::Map(of) => {
                if let Value::Map(entries) = &mut node.value {
                    for (_, value) in entries {
                        of.expand(value, old);
                    }
                }
            }
            Kind::List(of) => {
                if let Value::List(items) = &mut node.value {
                    for item in items {
                        of.expand(item, old);
                    }
                }
            }
            Kind::Leaf => {}
        }
    }

    fn expand_struct(&self, node: &mut Node, old: &mut Old) {
        if let (Some(field), false) = (self.bare_field(), self.is_struct(node)) {
            wrap(node, None, field.name);
        }
        if let Value::Struct { fields, .. } = &mut node.value {
            self.expand_fields(fields, old);
        }
    }

    fn expand_fields(&self, given: &mut [(Name, Node)], old: &mut Old) {
        let Kind::Struct(fields) = self.kind() else { return };
        for (name, node) in given {
            if let Some(today) = self.renamed(&name.text) {
                old.push((name.place, format!("`{}` is spelled `{today}` today", name.text)));
                today.clone_into(&mut name.text);
            }
            if let Some(field) = fields.iter().find(|field| field.name == name.text) {
                field.form.expand(node, old);
            }
        }
    }

    fn expand_choice(&self, variants: &[Variant], node: &mut Node, old: &mut Old) {
        self.rename_variant(node, old);
        let given = name_of(node).and_then(|name| variants.iter().find(|variant| variant.name == name));
        match (given, self.bare_variant()) {
            (Some(variant), _) => {
                if let Some(content) = variant.content {
                    content.expand_content(node, old);
                }
            }
            (None, Some(bare)) if self.may_be_distribution(variants, node) => {
                let inner = node.clone();
                let name = Some(Name { text: bare.name.to_owned(), place: node.place });
                node.value = Value::Tuple { name, items: vec![inner] };
            }
            _ => {}
        }
    }

    /// Whether a value where one of `variants` may stand is a distribution: a constant, or a name that is no
    /// variant. A misspelt variant is none, so that the message names the variant.
    fn may_be_distribution(&self, variants: &[Variant], node: &Node) -> bool {
        match (&node.value, name_of(node)) {
            (Value::Str(_) | Value::Number(_), _) => true,
            (_, None | Some("None")) => false,
            (_, Some(name)) if DISTRIBUTIONS.contains(&name) => true,
            (_, Some(name)) => {
                let old = self.schema.get(RENAMED).and_then(|names| names.as_object());
                let old = old.into_iter().flat_map(|names| names.keys()).map(String::as_str);
                let variants: Vec<&str> = variants.iter().map(|variant| variant.name).chain(old).collect();
                let near = nearest(name, variants.iter().copied().chain(DISTRIBUTIONS));
                near.is_none_or(|near| !variants.contains(&near))
            }
        }
    }

    fn contract(&self, node: &mut Node) {
        if let (Some(bare), Value::Tuple { name: Some(name), items }) = (self.bare_variant(), &mut node.value)
            && let ([only], true) = (items.as_mut_slice(), name.text == bare.name)
        {
            node.value = only.value.clone();
            return;
        }
        match (self.kind(), &mut node.value) {
            (Kind::Struct(fields), Value::Struct { fields: given, .. }) => contract_fields(&fields, given),
            (Kind::Map(of), Value::Map(entries)) => {
                for (_, value) in entries {
                    of.contract(value);
                }
            }
            (Kind::List(of), Value::List(items)) => {
                for item in items {
                    of.contract(item);
                }
            }
            (Kind::Choice(variants), Value::Struct { name: Some(name), fields: given }) => {
                let content = variants.iter().find(|variant| variant.name == name.text).and_then(|found| found.content);
                if let Some(Kind::Struct(fields)) = content.map(|content| content.kind()) {
                    contract_fields(&fields, given);
                }
            }
            _ => {}
        }
    }

    /// A variant by the name that it has today; the variant that needs no name loses it.
    fn rename_variant(&self, node: &mut Node, old: &mut Old) {
        let Some(name) = name_of(node).map(str::to_owned) else { return };
        let bare = self.bare_variant().filter(|bare| bare.name == name);
        if bare.is_some() {
            // Who has been here before has wrapped it so: what was written stands in the same place.
            if let Value::Tuple { items, .. } = &mut node.value
                && let [only] = items.as_mut_slice()
                && only.place != node.place
            {
                old.push((node.place, format!("`{name}(...)` is written without the name today: `{}`", only.value)));
                node.place = only.place;
            }
        } else if let Some(today) = self.renamed(&name) {
            old.push((node.place, format!("`{name}` is spelled `{today}` today")));
            rename(node, today);
        }
    }

    /// Whether a value is written as this struct, with or without its name, or as nothing.
    fn is_struct(&self, node: &Node) -> bool {
        match &node.value {
            Value::Ident(name) => name == "None",
            Value::Struct { name, .. } => name.is_none() || name_of(node) == self.name(),
            Value::Tuple { name: None, items } => items.is_empty(),
            _ => false,
        }
    }

    /// What stands in the parentheses of a variant.
    fn expand_content(&self, node: &mut Node, old: &mut Old) {
        match &mut node.value {
            Value::Struct { fields, .. } => self.expand_fields(fields, old),
            Value::Tuple { items, .. } => {
                let [only] = items.as_mut_slice() else { return };
                match self.bare_field() {
                    Some(field) if !self.is_struct(only) => {
                        let (name, inner) = (name_node(node), only_item(node));
                        let Some(inner) = inner else { return };
                        let place = inner.place;
                        let fields = vec![(Name { text: field.name.to_owned(), place }, inner)];
                        node.value = Value::Struct { name, fields };
                        self.expand_content(node, old);
                    }
                    _ => self.expand(only, old),
                }
            }
            _ => {}
        }
    }
}

fn contract_fields(fields: &[Field], given: &mut [(Name, Node)]) {
    for (name, node) in given {
        if let Some(field) = fields.iter().find(|field| field.name == name.text) {
            field.form.contract(node);
        }
    }
}

fn wrap(node: &mut Node, name: Option<Name>, field: &str) {
    let inner = node.clone();
    let fields = vec![(Name { text: field.to_owned(), place: node.place }, inner)];
    node.value = Value::Struct { name, fields };
}

fn name_node(node: &Node) -> Option<Name> {
    match &node.value {
        Value::Struct { name, .. } | Value::Tuple { name, .. } => name.clone(),
        _ => None,
    }
}

fn only_item(node: &Node) -> Option<Node> {
    match &node.value {
        Value::Tuple { items, .. } => items.first().cloned(),
        _ => None,
    }
}

fn rename(node: &mut Node, today: &str) {
    match &mut node.value {
        Value::Ident(name) => today.clone_into(name),
        Value::Struct { name: Some(name), .. } | Value::Tuple { name: Some(name), .. } => {
            today.clone_into(&mut name.text);
        }
        _ => {}
    }
}
