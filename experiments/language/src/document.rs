//! A scenario as a tree together with the texts that it came from.

use super::de::NodeDeserializer;
use super::diagnostic::{Diagnostic, Source};
use super::fault::Fault;
use super::overrides::{self, Step};
use super::parse;
use super::scan::SyntaxError;
use super::tree::{Node, Place};
use serde::Deserialize;

/// Largest scenario file, in bytes.
pub const MAX_BYTES: usize = 16 << 20;

/// A parsed scenario, with the overrides applied so far.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) root: Node,
    pub(super) sources: Vec<Source>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The scenario file, at this 1-based line.
    File {
        /// The line.
        line: u32,
    },
    /// An override.
    Override {
        /// As typed: label, path and value.
        text: String,
    },
}

impl Document {
    /// Parses `text`, called `file` in messages.
    ///
    /// # Errors
    /// The first error of syntax, or a text that is too large.
    pub fn parse(file: &str, text: &str) -> Result<Document, Diagnostic> {
        if text.len() > MAX_BYTES {
            let message = format!("the file is {} bytes long; a scenario has at most {MAX_BYTES}", text.len());
            return Err(Diagnostic::about(file, message));
        }
        let source = Source { name: file.to_owned(), text: text.to_owned(), is_override: false };
        match parse::parse(&source.text, 0, 0, 0) {
            Ok(root) => Ok(Document { root, sources: vec![source] }),
            Err(error) => Err(syntax(&source, error)),
        }
    }

    /// Parses the content of a file, which may turn out not to be text.
    ///
    /// # Errors
    /// As [`Document::parse`]; and what is not UTF-8.
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Document, Diagnostic> {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            return Err(Diagnostic::about(file, "this is a gzip file, not a scenario"));
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => text,
            Ok(_) => return Err(Diagnostic::about(file, "this is not a text file: it holds zero bytes")),
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = before.split(|byte| *byte == b'\n').count();
                let message = format!("this is not a UTF-8 text: the first bad byte is in line {line}");
                return Err(Diagnostic::about(file, message));
            }
        };
        Document::parse(file, text)
    }

    /// Applies the override `path=value`; `label` names its origin, such as `--set`.
    ///
    /// # Errors
    /// A path through something that does not exist, or no `=`.
    pub fn set(&mut self, label: &str, assignment: &str) -> Result<(), Diagnostic> {
        overrides::apply(self, label, assignment)
    }

    /// Takes out the field or the entry at the end of `path`; says whether there was one.
    #[must_use]
    pub fn unset(&mut self, path: &str) -> bool {
        overrides::path(&self.root, path).is_ok_and(|steps| overrides::take_out(&mut self.root, &steps))
    }

    /// The overrides applied so far, as typed, in order.
    pub fn assignments(&self) -> Vec<String> {
        self.sources.iter().filter(|source| source.is_override).map(|source| source.text.clone()).collect()
    }

    /// Reads the tree as a `T`.
    ///
    /// # Errors
    /// The first value that does not fit, with its place.
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Diagnostic> {
        T::deserialize(NodeDeserializer::new(&self.root)).map_err(|fault| self.explain(fault))
    }

    /// The root of the tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The root of the tree, to be changed before it is read.
    pub fn root_mut(&mut self) -> &mut Node {
        &mut self.root
    }

    /// The value at `path`, written as for `--set`.
    pub fn get(&self, path: &str) -> Option<&Node> {
        let steps = overrides::path(&self.root, path).ok()?;
        overrides::find(&self.root, &steps).ok()
    }

    /// The place of the value at `path`.
    pub fn locate(&self, path: &str) -> Option<Place> {
        self.get(path).map(|node| node.place)
    }

    /// The value at `path` as it was written.
    pub fn text_at(&self, path: &str) -> Option<&str> {
        let place = self.locate(path)?;
        self.source(place).text.get(place.start as usize..place.end as usize)
    }

    /// The label of the override that gave the value at `path`, if one did: see [`Document::set`].
    pub fn override_label(&self, path: &str) -> Option<&str> {
        let place = self.locate(path).filter(|place| place.is_override())?;
        Some(&self.source(place).name)
    }

    /// Where the value at `path` comes from; `None` if it is not written anywhere.
    pub fn origin(&self, path: &str) -> Option<Origin> {
        let place = self.locate(path)?;
        let source = self.source(place);
        Some(if source.is_override {
            Origin::Override { text: source.text.clone() }
        } else {
            Origin::File { line: Diagnostic::at(source, place, "").line }
        })
    }

    /// The line on which the value at `path` is written, if it stands in the file.
    pub fn line_at(&self, path: &str) -> Option<u32> {
        match self.origin(path)? {
            Origin::File { line } => Some(line),
            Origin::Override { .. } => None,
        }
    }

    /// An error about the value at `path`, found when the schema was already read. If it is not
    /// written anywhere (a default), the nearest thing around it is shown.
    pub fn error_at(&self, path: &str, message: impl Into<String>) -> Diagnostic {
        let steps = overrides::path(&self.root, path).unwrap_or_default();
        let place = longest_known(&self.root, &steps);
        self.error(place, message)
    }

    /// An error about the key or field name at the end of `path`.
    pub fn error_at_key(&self, path: &str, message: impl Into<String>) -> Diagnostic {
        let steps = overrides::path(&self.root, path).unwrap_or_default();
        let place = overrides::find_key(&self.root, &steps).unwrap_or_else(|| longest_known(&self.root, &steps));
        self.error(place, message)
    }

    /// An error at a known place.
    pub fn error(&self, place: Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.source(place), place, message)
    }

    /// The label of the override that stands at a place, if one does.
    pub fn label(&self, place: Place) -> Option<&str> {
        place.is_override().then(|| self.source(place).name.as_str())
    }

    /// A place as `line 12`, or the override that gave it.
    pub fn location(&self, place: Place) -> String {
        let source = self.source(place);
        if source.is_override {
            return source.text.clone();
        }
        format!("line {}", Diagnostic::at(source, place, "").line)
    }

    fn source(&self, place: Place) -> &Source {
        // Every tree knows its sources; only a place of another document can have an unknown
        // number.
        self.sources.get(place.source as usize).unwrap_or(&self.sources[0])
    }

    pub(super) fn explain(&self, fault: Fault) -> Diagnostic {
        let place = fault.place.unwrap_or(self.root.place);
        self.error(place, fault.message).with_notes(fault.label, fault.help).with_cut(fault.cut)
    }
}

/// The place of the deepest value on the way that exists; whole structs are shown by their opening.
fn longest_known(root: &Node, steps: &[Step]) -> Place {
    if let Ok(node) = overrides::find(root, steps) {
        return node.place;
    }
    let known = (0..steps.len()).rev().find_map(|length| overrides::find(root, &steps[..length]).ok());
    known.unwrap_or(root).place.opening()
}

/// An error of syntax as a report.
pub(super) fn syntax(source: &Source, error: SyntaxError) -> Diagnostic {
    Diagnostic::at(source, error.place, error.message).with_notes(error.label, error.help)
}
