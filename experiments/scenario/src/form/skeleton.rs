//! A commented part of a scenario to start from.

use super::{Field, Form, Kind};
use std::fmt::Write as _;

/// Fields that need not be given, and that nearly every scenario gives.
const STARTS: [(&str, &str); 4] =
    [("Scenario", "horizon"), ("Scenario", "pools"), ("Service", "model"), ("Service", "slo")];
/// Columns of a comment.
const WIDTH: usize = 100;

/// The part of a scenario of that name with every field: those that must be given as they may stand, all
/// others as comments with a value that is right. The whole scenario without a name; nothing if it has no such
/// part.
///
/// ```
/// let part = flashcrowd_scenario::form::skeleton(Some("pools")).unwrap_or_default();
/// assert!(part.contains("\npools: {\n") && part.contains("gpu: \"H100\","));
/// ```
pub fn skeleton(part: Option<&str>) -> Option<String> {
    let Kind::Struct(fields) = Form::scenario().kind() else { return None };
    let mut text = String::new();
    if let Some(name) = part {
        field(&mut text, fields.iter().find(|field| field.name == name)?, 0, true);
    } else {
        text.push_str("(\n");
        self::fields(&mut text, &Form::scenario(), 1);
        text.push_str(")\n");
    }
    Some(text)
}

/// The names of the parts of a scenario.
pub fn parts() -> Vec<&'static str> {
    match Form::scenario().kind() {
        Kind::Struct(fields) => fields.iter().map(|field| field.name).collect(),
        _ => Vec::new(),
    }
}

/// A field with its comment; `live` ones stand as they are, others behind a comment sign.
fn field(text: &mut String, field: &Field, depth: usize, live: bool) {
    let indent = "    ".repeat(depth);
    comment(text, &indent, field.form.about());
    variants(text, &indent, &field.form);
    match field.form.kind() {
        Kind::Map(of) if live && matches!(of.kind(), Kind::Struct(_)) => {
            let _ = writeln!(text, "{indent}{}: {{\n{indent}    \"{}\": (", field.name, name_of_entry(field.name));
            fields(text, &of, depth + 2);
            let _ = writeln!(text, "{indent}    ),\n{indent}}},");
        }
        _ => {
            let sign = if live { "" } else { "// " };
            let _ = writeln!(text, "{indent}{sign}{},", field.example());
        }
    }
}

/// What there is to choose from, a line each.
fn variants(text: &mut String, indent: &str, form: &Form) {
    let form = match form.kind() {
        Kind::Map(of) | Kind::List(of) => of,
        _ => *form,
    };
    let Kind::Choice(variants) = form.kind() else { return };
    let bare = form.bare_variant().map(|bare| bare.name);
    for variant in variants.iter().filter(|variant| Some(variant.name) != bare) {
        let about = variant.about.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "{indent}//   {}   {about}", variant.example());
    }
}

fn fields(text: &mut String, form: &Form, depth: usize) {
    let Kind::Struct(fields) = form.kind() else { return };
    for one in &fields {
        field(text, one, depth, one.required || STARTS.contains(&(form.name().unwrap_or_default(), one.name)));
    }
}

/// What an entry of a part may be called.
fn name_of_entry(part: &str) -> &str {
    part.strip_suffix('s').unwrap_or(part)
}

/// Words as comment lines.
fn comment(text: &mut String, indent: &str, words: &str) {
    let mut line = String::new();
    for word in words.split_whitespace() {
        if !line.is_empty() && indent.len() + 3 + line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{indent}// {line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        let _ = writeln!(text, "{indent}// {line}");
    }
}
