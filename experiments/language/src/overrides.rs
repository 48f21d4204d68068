//! `--set PATH=VALUE`: a path walks field names, map keys, list indices and the single payload of
//! an enum variant. A missing last name is added: whether it may exist is for the schema to say.
//! A key with dots in it, such as a model's name, needs no quotes where the scenario has it.

use super::diagnostic::{Diagnostic, Source};
use super::document::Document;
use super::nearest::{list, nearest};
use super::parse;
use super::tree::{Name, Node, Place, Value};

/// One segment of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) text: String,
    /// Bytes of the path's text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it stands in quotes.
    pub(super) quoted: bool,
}

/// What is wrong with a path, and at which bytes of it.
#[derive(Debug)]
pub(super) struct PathError {
    start: usize,
    end: usize,
    message: String,
    help: Option<String>,
}

impl PathError {
    fn new(start: usize, end: usize, message: impl Into<String>) -> Self {
        PathError { start, end, message: message.into(), help: None }
    }

    fn at(step: &Step, message: impl Into<String>) -> Self {
        PathError::new(step.start, step.end, message)
    }

    fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

/// The segments of a path through the tree of `root`.
pub(super) fn path(root: &Node, text: &str) -> Result<Vec<Step>, PathError> {
    parse_path(text).map(|steps| join(root, &steps))
}

/// Joins segments that together are a key: `services.llama-3.1.gpus` is of the service `llama-3.1`.
fn join(root: &Node, steps: &[Step]) -> Vec<Step> {
    let (mut node, mut joined, mut at) = (Some(root), Vec::with_capacity(steps.len()), 0);
    while let Some(first) = steps.get(at) {
        let here = node.map(payload);
        let length = here.map_or(1, |node| key_length(node, &steps[at..]));
        let last = &steps[at + length - 1];
        let text = steps[at..at + length].iter().map(|step| step.text.as_str()).collect::<Vec<_>>().join(".");
        let step = Step { text, start: first.start, end: last.end, quoted: first.quoted };
        node = here.and_then(|node| child(node, child_index(node, &step).ok().flatten()?));
        joined.push(step);
        at += length;
    }
    joined
}

/// How many of `steps` the longest key of a map takes that they begin with; 1 if none does.
fn key_length(node: &Node, steps: &[Step]) -> usize {
    let Value::Map(entries) = &node.value else { return 1 };
    let plain = steps.iter().take_while(|step| !step.quoted).count();
    let first = steps.first().map_or("", |step| &*step.text);
    let length = |(key, _): &(Node, Node)| {
        // Compares without building a string: nearly all keys of a large map differ.
        if matches!(&key.value, Value::Str(text) if !text.starts_with(first)) {
            return None;
        }
        let key = key.value.key_text();
        let length = key.split('.').count();
        let begins = length <= plain && key.split('.').zip(steps).all(|(part, step)| part == step.text);
        begins.then_some(length)
    };
    entries.iter().filter_map(length).max().unwrap_or(1)
}

/// Splits `a.b."c.d".0` into its segments. Stops at `=` or at the end.
fn parse_path(text: &str) -> Result<Vec<Step>, PathError> {
    let mut steps = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let quoted = rest.starts_with('"');
        let (word, length) = if let Some(quoted) = rest.strip_prefix('"') {
            let close = quoted.find('"');
            let close = close.ok_or_else(|| PathError::new(at, text.len(), "this quoted name is never closed"))?;
            (&quoted[..close], close + 2)
        } else {
            let length = rest.find(['.', '=']).unwrap_or(rest.len());
            (rest[..length].trim(), length)
        };
        if word.is_empty() {
            return Err(PathError::new(at, at + 1, "a name is missing here"));
        }
        steps.push(Step { text: word.to_owned(), start: at, end: at + length, quoted });
        at += length;
        match text[at..].chars().next() {
            Some('.') => at += 1,
            None | Some('=') => return Ok(steps),
            Some(_) => return Err(PathError::new(at, at + 1, "expected `.` or `=` after a quoted name")),
        }
    }
}

/// Applies `assignment` to the tree of `document`.
pub(super) fn apply(document: &mut Document, label: &str, assignment: &str) -> Result<(), Diagnostic> {
    let number = document.sources.len() as u32;
    let offset = label.len() + 1;
    let source = Source { name: label.to_owned(), text: format!("{label} {assignment}"), is_override: true };
    let report = |error: PathError| {
        let place = place(number, offset + error.start, offset + error.end);
        Diagnostic::at(&source, place, error.message).with_notes(None, error.help)
    };
    let steps = path(&document.root, assignment).map_err(report)?;
    let path_end = steps.last().map_or(0, |step| step.end);
    if !assignment[path_end..].starts_with('=') {
        let error = PathError::new(0, assignment.len(), "an override is written PATH=VALUE");
        return Err(report(error.help(Some(format!("write `{label} {assignment}=...`")))));
    }
    let value = read_value(&source.text, offset + path_end + 1, number, level(&document.root, &steps));
    put(&mut document.root, &steps, value, number, offset).map_err(report)?;
    document.sources.push(source);
    Ok(())
}

fn place(source: u32, start: usize, end: usize) -> Place {
    Place { source, start: start as u32, end: end as u32 }
}

/// The value as RON, or else the text itself as a string.
fn read_value(text: &str, from: usize, source: u32, depth: usize) -> Node {
    let raw = text[from..].trim();
    let start = from + text[from..].len() - text[from..].trim_start().len();
    let whole = place(source, start, start + raw.len());
    match parse::parse(text, from, source, depth) {
        // RON reads `dir//file` as a name and a comment; whoever types it means a path.
        Ok(node) if node.place == whole => node,
        _ => Node { value: Value::Str(raw.to_owned()), place: whole },
    }
}

/// How many values lie around the end of `steps`, payloads of variants included: the new value
/// may nest only as much deeper as a file may.
fn level(root: &Node, steps: &[Step]) -> usize {
    let mut level = 0;
    let mut node = root;
    for step in steps {
        while let Some(inner) = payload_once(node) {
            (node, level) = (inner, level + 1);
        }
        level += 1;
        let Some(next) = child_index(node, step).ok().flatten().and_then(|index| child(node, index)) else { break };
        node = next;
    }
    level
}

/// The value that `steps` lead to.
pub(super) fn find<'a>(root: &'a Node, steps: &[Step]) -> Result<&'a Node, PathError> {
    steps.iter().try_fold(root, |node, step| {
        let node = payload(node);
        child_index(node, step)?.and_then(|index| child(node, index)).ok_or_else(|| missing(node, step))
    })
}

/// The place of the field name or map key at the end of `steps`.
pub(super) fn find_key(root: &Node, steps: &[Step]) -> Option<Place> {
    let (last, before) = steps.split_last()?;
    let node = payload(find(root, before).ok()?);
    let index = child_index(node, last).ok()??;
    match &node.value {
        Value::Struct { fields, .. } => fields.get(index).map(|(name, _)| name.place),
        Value::Map(entries) => entries.get(index).map(|(key, _)| key.place),
        _ => child(node, index).map(|node| node.place),
    }
}

/// Puts `value` at the end of `steps`.
fn put(root: &mut Node, steps: &[Step], value: Node, source: u32, offset: usize) -> Result<(), PathError> {
    let Some((last, before)) = steps.split_last() else { return Ok(()) };
    let mut node = root;
    for step in before {
        node = payload_mut(node);
        let Some(index) = child_index(node, step)? else { return Err(missing(node, step)) };
        let known = child(node, index).is_some();
        if !known {
            return Err(missing(node, step));
        }
        node = child_mut(node, index).ok_or_else(|| PathError::at(step, "this does not exist"))?;
    }
    let node = payload_mut(node);
    if let Some(index) = child_index(node, last)? {
        let Some(old) = child_mut(node, index) else { return Err(PathError::at(last, "this does not exist")) };
        *old = value;
        return Ok(());
    }
    add(node, last, value, place(source, offset + last.start, offset + last.end))
}

/// Takes out the field or the entry at the end of `steps`; says whether there was one.
pub(super) fn take_out(root: &mut Node, steps: &[Step]) -> bool {
    let Some((last, before)) = steps.split_last() else { return false };
    let mut node = root;
    for step in before {
        node = payload_mut(node);
        let Some(next) = child_index(node, step).ok().flatten().and_then(|index| child_mut(node, index)) else {
            return false;
        };
        node = next;
    }
    match &mut payload_mut(node).value {
        Value::Struct { fields, .. } => {
            let before = fields.len();
            fields.retain(|(name, _)| name.text != last.text);
            fields.len() < before
        }
        Value::Map(entries) => {
            let before = entries.len();
            entries.retain(|(key, _)| !key.value.is_key(&last.text));
            entries.len() < before
        }
        _ => false,
    }
}

/// Adds a field or a map entry that is not there yet.
fn add(node: &mut Node, step: &Step, value: Node, key: Place) -> Result<(), PathError> {
    match &mut node.value {
        Value::Map(entries) => {
            entries.push((Node { value: Value::Str(step.text.clone()), place: key }, value));
            return Ok(());
        }
        Value::Struct { fields, .. } => {
            fields.push((Name { text: step.text.clone(), place: key }, value));
            return Ok(());
        }
        _ => {}
    }
    // `Poisson`, `Poisson()` and `()` are structs with nothing given yet.
    let name = match &mut node.value {
        Value::Ident(text) if text != "None" => Some(Name { text: std::mem::take(text), place: node.place }),
        Value::Tuple { name, items } if items.is_empty() => name.take(),
        _ => return Err(missing(node, step)),
    };
    node.value = Value::Struct { name, fields: vec![(Name { text: step.text.clone(), place: key }, value)] };
    Ok(())
}

/// Steps into `Variant(payload)` when the payload has parts of its own.
fn payload(mut node: &Node) -> &Node {
    while let Some(inner) = payload_once(node) {
        node = inner;
    }
    node
}

fn payload_once(node: &Node) -> Option<&Node> {
    match &node.value {
        Value::Tuple { name: Some(_), items } if items.len() == 1 && has_parts(&items[0]) => Some(&items[0]),
        _ => None,
    }
}

fn payload_mut(node: &mut Node) -> &mut Node {
    if payload_once(node).is_none() {
        return node;
    }
    match &mut node.value {
        Value::Tuple { items, .. } => payload_mut(&mut items[0]),
        _ => unreachable!("a payload was just found here"),
    }
}

fn has_parts(node: &Node) -> bool {
    matches!(node.value, Value::List(_) | Value::Map(_) | Value::Struct { .. } | Value::Tuple { .. })
}

/// Which child `step` names: of a struct or map, `None` if it has no such key.
fn child_index(node: &Node, step: &Step) -> Result<Option<usize>, PathError> {
    match &node.value {
        Value::Struct { fields, .. } => Ok(fields.iter().position(|(name, _)| name.text == step.text)),
        Value::Map(entries) => Ok(entries.iter().position(|(key, _)| key.value.is_key(&step.text))),
        Value::List(items) | Value::Tuple { items, .. } if !items.is_empty() => {
            let index = step.text.parse().ok().filter(|index| *index < items.len());
            index.map(Some).ok_or_else(|| missing(node, step))
        }
        _ => Ok(None),
    }
}

fn child(node: &Node, index: usize) -> Option<&Node> {
    match &node.value {
        Value::Struct { fields, .. } => fields.get(index).map(|(_, node)| node),
        Value::Map(entries) => entries.get(index).map(|(_, node)| node),
        Value::List(items) | Value::Tuple { items, .. } => items.get(index),
        _ => None,
    }
}

fn child_mut(node: &mut Node, index: usize) -> Option<&mut Node> {
    match &mut node.value {
        Value::Struct { fields, .. } => fields.get_mut(index).map(|(_, node)| node),
        Value::Map(entries) => entries.get_mut(index).map(|(_, node)| node),
        Value::List(items) | Value::Tuple { items, .. } => items.get_mut(index),
        _ => None,
    }
}

/// `step` names nothing in `node`.
fn missing(node: &Node, step: &Step) -> PathError {
    let keys: Vec<String> = match &node.value {
        Value::Struct { fields, .. } => fields.iter().map(|(name, _)| name.text.clone()).collect(),
        Value::Map(entries) => entries.iter().map(|(key, _)| key.value.key_text()).collect(),
        Value::List(items) | Value::Tuple { items, .. } => {
            let found = format!("there is no element `{}`: expected 0 to {}", step.text, items.len().saturating_sub(1));
            let found = if items.is_empty() { format!("there is nothing in {}", node.value.describe()) } else { found };
            return PathError::at(step, found);
        }
        other => {
            let message = format!("there is no `{}` in {}, which has no parts", step.text, other.describe());
            return PathError::at(step, message);
        }
    };
    let names = || keys.iter().map(String::as_str);
    let help = match nearest(&step.text, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("written here: {}", list(names())),
    };
    PathError::at(step, format!("the scenario has no `{}` here", step.text)).help(Some(help))
}
