//! The tree that a scenario file becomes: values as written, each with its place.

use std::fmt::{self, Write as _};

/// A range of bytes in one of the texts of a [`Document`](super::Document).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which text: 0 is the file, the others are overrides in the order they were applied.
    pub source: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Place {
    /// The first byte only: where a struct opens.
    #[must_use]
    pub(super) fn opening(self) -> Place {
        Place { end: self.end.min(self.start + 1), ..self }
    }

    /// Whether this stands in an override and not in the file.
    pub fn is_override(self) -> bool {
        self.source > 0
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is written.
    pub value: Value,
    /// Where.
    pub place: Place,
}

/// A name and where it stands: of a field, a struct or an enum variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// A value as written. `Some(x)` is read as `x`, `None` is the identifier `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written (`1_000`, `0x10`, `1e400`): nothing is lost before its type is known.
    Number(String),
    /// A character.
    Char(char),
    /// A string.
    Str(String),
    /// A bare name: a unit variant or `None`.
    Ident(String),
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{key: value}`.
    Map(Vec<(Node, Node)>),
    /// `Name(field: value)` or `(field: value)`.
    Struct {
        /// The name before the parenthesis.
        name: Option<Name>,
        /// The fields, in the order written.
        fields: Vec<(Name, Node)>,
    },
    /// `Name(a, b)` or `(a, b)`; `()` has neither name nor items.
    Tuple {
        /// The name before the parenthesis.
        name: Option<Name>,
        /// The items.
        items: Vec<Node>,
    },
}

impl Value {
    /// A short description for messages, such as ``string `"x"` `` or `a list`.
    pub fn describe(&self) -> String {
        match self {
            Value::Bool(value) => format!("`{value}`"),
            Value::Number(text) => format!("number `{}`", clipped(text)),
            Value::Char(value) => format!("character {value:?}"),
            Value::Str(text) => format!("string `\"{}\"`", clipped(text).escape_debug()),
            Value::Ident(text) => format!("name `{}`", clipped(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            Value::Struct { name: Some(name), .. } | Value::Tuple { name: Some(name), .. } => {
                format!("`{}(...)`", clipped(&name.text))
            }
            Value::Struct { name: None, .. } => "a struct `(field: value)`".to_owned(),
            Value::Tuple { name: None, items } if items.is_empty() => "`()`".to_owned(),
            Value::Tuple { name: None, .. } => "a tuple `(a, b)`".to_owned(),
        }
    }

    /// The text of a map key as a path segment writes it.
    pub fn key_text(&self) -> String {
        match self {
            Value::Str(text) | Value::Ident(text) | Value::Number(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Whether it stands in paths under that text.
    pub(super) fn is_key(&self, wanted: &str) -> bool {
        match self {
            Value::Str(text) | Value::Ident(text) | Value::Number(text) => text == wanted,
            other => other.to_string() == wanted,
        }
    }

    /// The name of a named struct or tuple, or a bare name.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Value::Ident(text) => Some(text),
            Value::Struct { name: Some(name), .. } | Value::Tuple { name: Some(name), .. } => Some(&name.text),
            _ => None,
        }
    }
}

/// At most 40 characters of `text`.
fn clipped(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

impl fmt::Display for Value {
    /// The value in one line of RON. Equal map keys print equally, so this also finds duplicates.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(text) => f.write_str(&text.replace('_', "")),
            Value::Char(value) => write!(f, "{value:?}"),
            Value::Str(text) => write_str(f, text),
            Value::Ident(text) => f.write_str(text),
            Value::List(items) => {
                f.write_char('[')?;
                separated(f, items, |f, item| item.value.fmt(f))?;
                f.write_char(']')
            }
            Value::Map(entries) => {
                f.write_char('{')?;
                separated(f, entries, |f, (key, node)| write!(f, "{}: {}", key.value, node.value))?;
                f.write_char('}')
            }
            Value::Struct { name, fields } => {
                write!(f, "{}(", name.as_ref().map_or("", |name| &name.text))?;
                separated(f, fields, |f, (key, node)| write!(f, "{}: {}", key.text, node.value))?;
                f.write_char(')')
            }
            Value::Tuple { name, items } => {
                write!(f, "{}(", name.as_ref().map_or("", |name| &name.text))?;
                separated(f, items, |f, item| item.value.fmt(f))?;
                f.write_char(')')
            }
        }
    }
}

/// A string with the escapes that RON reads back.
fn write_str(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}
