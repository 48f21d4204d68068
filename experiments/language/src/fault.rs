//! What does not fit when a schema is read, with the place of the smallest value to blame.

use super::nearest::{is_cut, list, nearest};
use super::tree::Place;
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// An error of the deserializer.
#[derive(Debug, Default)]
pub(super) struct Fault {
    pub(super) place: Option<Place>,
    pub(super) message: String,
    pub(super) label: Option<String>,
    pub(super) help: Option<String>,
    /// The fault concerns something that is not there: the opening is shown, not the whole struct.
    missing: bool,
    /// Not all of what may stand there is listed.
    pub(super) cut: bool,
}

impl Fault {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Fault { place: Some(place), message: message.into(), ..Fault::default() }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Blames `place` if nothing smaller was blamed before.
    pub(super) fn or_at(mut self, place: Place) -> Self {
        if self.place.is_none() {
            self.place = Some(if self.missing { place.opening() } else { place });
        }
        self
    }

    /// Adds the struct in which a field is missing, if the message does not name one yet.
    pub(super) fn inside(mut self, context: &str) -> Self {
        if self.missing && self.place.is_none() {
            self.message = format!("{} in {context}", self.message);
        }
        self
    }

    /// A name that does not exist, with the nearest one.
    pub(super) fn unknown(place: Place, what: &str, name: &str, expected: &[&str]) -> Self {
        let fault = Fault::new(place, what).label(format!("expected {}", list(expected.iter().copied())));
        let fault = Fault { cut: is_cut(expected.len()), ..fault };
        match nearest(name, expected.iter().copied()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    /// A custom message may carry advice after `HINT`.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        match text.split_once(HINT) {
            Some((message, help)) => Fault { message: message.to_owned(), ..Fault::default() }.help(help),
            None => Fault { message: text, ..Fault::default() },
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Fault { message: format!("missing field `{field}`"), missing: true, ..Fault::default() }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        // The access that asked for the key adds the place and the struct.
        let known = Fault::unknown(Place::default(), &format!("unknown field `{field}`"), field, expected);
        Fault { place: None, ..known }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let known = Fault::unknown(Place::default(), &format!("unknown name `{variant}`"), variant, expected);
        Fault { place: None, ..known }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::custom(format_args!("expected {}, found {}", in_words(expected), Shown(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::custom(format_args!("expected {expected}, found {}", Shown(found)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let plural = if length == 1 { "" } else { "s" };
        Fault::custom(format_args!("expected {expected}, found {length} value{plural}"))
    }
}

/// Separates a message from advice in a custom error, since serde carries only one text.
const HINT: &str = "\u{1f}";

/// An error and its advice as the one text that serde carries.
pub(super) fn hinted(error: &impl fmt::Display, help: Option<String>) -> String {
    match help {
        Some(help) => format!("{error}{HINT}{help}"),
        None => error.to_string(),
    }
}

/// What serde names by its Rust type, in the words of the file.
fn in_words(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        other => other.to_owned(),
    }
}

/// What was found, in the words of the file and not of serde.
struct Shown<'a>(Unexpected<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Signed(number) => write!(f, "number `{number}`"),
            Unexpected::Unsigned(number) => write!(f, "number `{number}`"),
            Unexpected::Float(number) => write!(f, "number `{number}`"),
            Unexpected::Bool(value) => write!(f, "`{value}`"),
            Unexpected::Str(text) => write!(f, "string {text:?}"),
            Unexpected::Map | Unexpected::StructVariant => f.write_str("fields"),
            Unexpected::Seq => f.write_str("a list"),
            Unexpected::Unit | Unexpected::UnitVariant => f.write_str("a bare name"),
            other => write!(f, "{other}"),
        }
    }
}
