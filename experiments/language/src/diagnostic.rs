//! An error that a user can act on: what, where with a caret, what was expected, what to do.

use super::tree::Place;
use std::fmt;

/// One text that a scenario was made of: its file, or an override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's name as the user gave it, or the label of the override (`--set`).
    pub name: String,
    /// The text; for an override `LABEL PATH=VALUE`, as the user typed it.
    pub text: String,
    /// Whether it is an override, which has no line numbers.
    pub is_override: bool,
}

/// A message about a place in a scenario. Its `Display` is the whole report without colour:
///
/// ```text
/// error: unknown field `nodez` in pool
///   --> s.ron:12:5
///    |
/// 12 |     nodez: 3,
///    |     ^^^^^ expected one of `gpu`, `nodes`
///    = help: did you mean `nodes`?
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence.
    pub message: String,
    /// The file's name, or the label of the override.
    pub file: String,
    /// 1-based line; 0 if there is no place.
    pub line: u32,
    /// 1-based column, counted in characters.
    pub column: u32,
    /// The label beside the caret: usually what was expected.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    is_override: bool,
    is_cut: bool,
    snippet: Option<Box<Snippet>>,
}

/// The line with the caret, ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Snippet {
    line: String,
    indent: usize,
    carets: usize,
    /// Where, in the texts of its document.
    place: Place,
    /// A line that would be right.
    example: Option<String>,
}

/// Characters of a long line that are shown around the caret.
const WIDTH: usize = 100;
const TAB: &str = "    ";

impl Diagnostic {
    /// An error about a whole file, such as one that cannot be read.
    pub fn about(file: &str, message: impl Into<String>) -> Self {
        Diagnostic {
            message: message.into(),
            file: file.to_owned(),
            line: 0,
            column: 0,
            label: None,
            help: None,
            is_override: false,
            is_cut: false,
            snippet: None,
        }
    }

    /// An error at `place` of `source`.
    pub fn at(source: &Source, place: Place, message: impl Into<String>) -> Self {
        let text = &source.text;
        let start = floor_boundary(text, place.start as usize);
        let end = floor_boundary(text, place.end as usize).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let before = text[line_start..start].chars().count();
        let marked = text[start..end.min(line_end)].trim_end().chars().count();
        Diagnostic {
            line: text[..start].matches('\n').count() as u32 + 1,
            column: before as u32 + 1,
            is_override: source.is_override,
            snippet: Some(Box::new(Snippet { place, ..Snippet::new(line, before, marked) })),
            ..Diagnostic::about(&source.name, message)
        }
    }

    /// With what is said beside the caret.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With a line that would be right, where it has a place.
    #[must_use]
    pub fn with_example(mut self, line: impl Into<String>) -> Self {
        if let Some(snippet) = &mut self.snippet {
            snippet.example = Some(line.into());
        }
        self
    }

    /// Where, in the texts of its document, if it has a place there.
    pub fn place(&self) -> Option<Place> {
        self.snippet.as_ref().map(|snippet| snippet.place)
    }

    /// With a label and advice, where there are any.
    #[must_use]
    pub(super) fn with_notes(self, label: Option<String>, help: Option<String>) -> Self {
        Diagnostic { label, help, ..self }
    }

    /// With a label that lists not all that there is.
    #[must_use]
    pub(super) fn with_cut(self, is_cut: bool) -> Self {
        Diagnostic { is_cut, ..self }
    }

    /// Whether its label lists not all that was expected: whoever knows where the rest stands can say so.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Where, as `file:line:column`; an override has no line.
    pub fn location(&self) -> String {
        if self.line == 0 || self.is_override {
            self.file.clone()
        } else {
            format!("{}:{}:{}", self.file, self.line, self.column)
        }
    }
}

impl Snippet {
    /// Cuts a long line around the mark and draws tabs as spaces.
    fn new(line: &str, before: usize, marked: usize) -> Self {
        let from = if before > WIDTH * 3 / 4 { before - WIDTH / 2 } else { 0 };
        let mut drawn = String::from(if from > 0 { "…" } else { "" });
        let mut indent = usize::from(from > 0);
        let mut carets = 0;
        let mut characters = line.chars().enumerate().skip(from);
        for (index, c) in characters.by_ref().take(WIDTH) {
            let width = draw(&mut drawn, c);
            if index < before {
                indent += width;
            } else if index < before + marked {
                carets += width;
            }
        }
        if characters.next().is_some() {
            drawn.push('…');
        }
        Snippet { line: drawn, indent, carets: carets.max(1), place: Place::default(), example: None }
    }
}

/// Appends `c` as it is shown and says how wide that is. Control characters would move the caret.
fn draw(line: &mut String, c: char) -> usize {
    if c == '\t' {
        line.push_str(TAB);
        return TAB.len();
    }
    line.push(if c.is_control() { '\u{fffd}' } else { c });
    1
}

/// The last character boundary at or before `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        let number = if self.is_override || self.line == 0 { " ".to_owned() } else { self.line.to_string() };
        let gutter = " ".repeat(number.len());
        write!(f, "\n{gutter}--> {}", self.location())?;
        if let Some(snippet) = &self.snippet {
            write!(f, "\n{gutter} |\n{number} | {}\n{gutter} | ", snippet.line.trim_end())?;
            write!(f, "{}{}", " ".repeat(snippet.indent), "^".repeat(snippet.carets))?;
            if let Some(label) = &self.label {
                write!(f, " {label}")?;
            }
        } else if let Some(label) = &self.label {
            write!(f, "\n = {label}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{gutter} = help: {help}")?;
        }
        if let Some(line) = self.snippet.as_ref().and_then(|snippet| snippet.example.as_ref()) {
            write!(f, "\n{gutter} = such as: {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
