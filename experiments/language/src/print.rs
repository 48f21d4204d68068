//! A tree as a text that people read: short values in a line, others a part a line, with comments.

use super::tree::{Node, Place, Value};
use std::fmt::Write as _;

/// Characters of a line, from where its value begins.
const WIDTH: usize = 96;
const INDENT: &str = "    ";

/// The tree as RON. What `comment` says of a place stands behind the part that is there.
///
/// ```
/// use flashcrowd_language::{Document, print::pretty};
/// let document = Document::parse("s.ron", "(pool:(gpus:8),names:[\"a\"])")?;
/// assert_eq!(pretty(document.root(), &|_| None), "(\n    pool: (gpus: 8),\n    names: [\"a\"],\n)\n");
/// # Ok::<(), flashcrowd_language::Diagnostic>(())
/// ```
pub fn pretty(root: &Node, comment: &dyn Fn(Place) -> Option<String>) -> String {
    let mut text = String::new();
    Printer { comment }.parts(&mut text, root, 0);
    text.push('\n');
    text
}

struct Printer<'a> {
    comment: &'a dyn Fn(Place) -> Option<String>,
}

impl Printer<'_> {
    fn value(&self, text: &mut String, node: &Node, depth: usize) {
        if let Value::Str(content) = &node.value
            && content.contains('\n')
        {
            return raw(text, content);
        }
        let line = node.value.to_string();
        // A comment on the whole is not repeated for its parts.
        let noted = (self.comment)(node.place).is_none() && self.has_notes(node);
        let short = line.chars().count() + depth * INDENT.len() <= WIDTH && !noted && !has_lines(node);
        if short || !has_parts(node) {
            text.push_str(&line);
        } else {
            let silent = Printer { comment: &|_| None };
            let printer = if (self.comment)(node.place).is_some() { &silent } else { self };
            printer.parts(text, node, depth);
        }
    }

    /// Each part on a line of its own.
    fn parts(&self, text: &mut String, node: &Node, depth: usize) {
        match &node.value {
            Value::Struct { name, fields } => {
                let _ = writeln!(text, "{}(", name.as_ref().map_or("", |name| &name.text));
                for (name, node) in fields {
                    self.part(text, &format!("{}: ", name.text), node, depth + 1);
                }
                let _ = write!(text, "{})", INDENT.repeat(depth));
            }
            Value::Tuple { name, items } if !items.is_empty() => {
                let _ = writeln!(text, "{}(", name.as_ref().map_or("", |name| &name.text));
                for item in items {
                    self.part(text, "", item, depth + 1);
                }
                let _ = write!(text, "{})", INDENT.repeat(depth));
            }
            Value::Map(entries) => {
                text.push_str("{\n");
                for (key, node) in entries {
                    self.part(text, &format!("{}: ", key.value), node, depth + 1);
                }
                let _ = write!(text, "{}}}", INDENT.repeat(depth));
            }
            Value::List(items) => {
                text.push_str("[\n");
                for item in items {
                    self.part(text, "", item, depth + 1);
                }
                let _ = write!(text, "{}]", INDENT.repeat(depth));
            }
            other => {
                let _ = write!(text, "{other}");
            }
        }
    }

    fn part(&self, text: &mut String, label: &str, node: &Node, depth: usize) {
        let _ = write!(text, "{}{label}", INDENT.repeat(depth));
        self.value(text, node, depth);
        text.push(',');
        if let Some(comment) = (self.comment)(node.place) {
            let _ = write!(text, " // {}", comment.replace('\n', " "));
        }
        text.push('\n');
    }

    /// Whether a comment belongs to a part of it.
    fn has_notes(&self, node: &Node) -> bool {
        children(node).any(|child| (self.comment)(child.place).is_some() || self.has_notes(child))
    }
}

fn children(node: &Node) -> Box<dyn Iterator<Item = &Node> + '_> {
    match &node.value {
        Value::Struct { fields, .. } => Box::new(fields.iter().map(|(_, node)| node)),
        Value::Map(entries) => Box::new(entries.iter().map(|(_, node)| node)),
        Value::Tuple { items, .. } | Value::List(items) => Box::new(items.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

fn has_parts(node: &Node) -> bool {
    children(node).next().is_some()
}

/// Whether a text of several lines is in it.
fn has_lines(node: &Node) -> bool {
    matches!(&node.value, Value::Str(text) if text.contains('\n')) || children(node).any(has_lines)
}

/// A text as it is, between marks that do not occur in it.
fn raw(text: &mut String, content: &str) {
    let mut marks = String::from("#");
    while content.contains(&format!("\"{marks}")) {
        marks.push('#');
    }
    let _ = write!(text, "r{marks}\"{content}\"{marks}");
}
