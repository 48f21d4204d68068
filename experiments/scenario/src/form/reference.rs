//! Every field of a scenario as a page of documentation: what it takes, its default with its source, a value
//! that is right. Defaults are those that the resolver notes of the shipped scenarios and of the skeleton.

use super::{Field, Form, Kind, Variant, name_of, skeleton};
use crate::load::Text;
use crate::registry::Registry;
use crate::settings::SettingOrigin;
use crate::shipped;
use flashcrowd_language::Diagnostic;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

/// A type and a field of it.
type Key = (&'static str, &'static str);
/// What was filled in, by type and field.
type Defaults = BTreeMap<Key, Seen>;

/// What the resolver fills in where a field is not given.
#[derive(Debug, Default)]
struct Seen {
    values: BTreeSet<String>,
    sources: BTreeSet<String>,
}

/// The page: a table for each type, from the scenario inwards.
pub fn reference() -> String {
    let defaults = defaults();
    let mut text = String::new();
    let (mut known, mut next) = (BTreeSet::new(), VecDeque::from([Form::scenario()]));
    while let Some(form) = next.pop_front() {
        let Some(name) = form.name() else { continue };
        if !known.insert(name) {
            continue;
        }
        match form.kind() {
            Kind::Struct(fields) => {
                describe_struct(&mut text, name, &form, &fields, &defaults);
                next.extend(fields.iter().flat_map(|field| parts(&field.form)));
            }
            Kind::Choice(variants) => {
                describe_choice(&mut text, name, &form, &variants);
                next.extend(variants.iter().filter_map(|variant| variant.content).flat_map(|content| parts(&content)));
            }
            _ => {}
        }
    }
    text.trim_start().to_owned()
}

fn describe_struct(text: &mut String, name: &'static str, form: &Form, fields: &[Field], defaults: &Defaults) {
    let _ = writeln!(text, "\n## {name}\n\n{}\n", paragraph(form.about_type()));
    if let Some(bare) = form.bare_field() {
        let _ = writeln!(text, "`{}` may stand alone: `{}`.\n", bare.name, bare.form.example());
    }
    text.push_str("| field | takes | default | example | what it is |\n| --- | --- | --- | --- | --- |\n");
    for field in fields {
        let default = if field.required { "must be given".to_owned() } else { default(defaults, (name, field.name)) };
        let (takes, example) = (takes(&field.form), cell(&field.form.example()));
        let about = cell(&sentence(field.form.about()));
        let _ = writeln!(text, "| `{}` | {takes} | {default} | `{example}` | {about} |", field.name);
    }
}

fn describe_choice(text: &mut String, name: &str, form: &Form, variants: &[Variant]) {
    let _ = writeln!(text, "\n## {name}\n\n{}\n", paragraph(form.about_type()));
    text.push_str("| one of | what it is |\n| --- | --- |\n");
    for variant in variants {
        let spelled = spelled(form, variant);
        let _ = writeln!(text, "| `{}` | {} |", cell(&spelled), cell(&sentence(variant.about)));
    }
}

/// A variant as it is written.
fn spelled(form: &Form, variant: &Variant) -> String {
    match (form.bare_variant(), &variant.content) {
        (Some(bare), Some(content)) if bare.name == variant.name => content.example(),
        _ => variant.example(),
    }
}

/// The forms with tables of their own that a form is made of.
fn parts(form: &Form) -> Vec<Form> {
    match form.kind() {
        Kind::Map(of) | Kind::List(of) => parts(&of),
        Kind::Struct(_) | Kind::Choice(_) => vec![*form],
        Kind::Leaf => Vec::new(),
    }
}

/// What a field takes, in words, with a link to the table of its type.
fn takes(form: &Form) -> String {
    match form.kind() {
        Kind::Map(of) => format!("by name: {}", takes(&of)),
        Kind::List(of) => format!("list of {}", takes(&of)),
        Kind::Struct(_) | Kind::Choice(_) => match form.name() {
            Some(name) => format!("[{name}](#{})", name.to_lowercase()),
            None => "fields".to_owned(),
        },
        Kind::Leaf => match (form.name(), form.json_type()) {
            (Some("DurationDistribution"), _) => "duration, or a distribution of them".to_owned(),
            (Some("SizeDistribution"), _) => "number, or a distribution of them".to_owned(),
            (Some(name), _) => unit(name).to_owned(),
            (None, Some("integer")) => "whole number".to_owned(),
            (None, Some("boolean")) => "`true` or `false`".to_owned(),
            (None, Some("string")) => "text".to_owned(),
            (None, Some(other)) => other.to_owned(),
            (None, None) => "any value".to_owned(),
        },
    }
}

/// A quantity in words.
fn unit(name: &str) -> &str {
    match name {
        "Duration" => "duration",
        "ByteSize" => "bytes",
        "ByteRate" => "bytes per second",
        "Price" => "dollars per hour",
        "PerGb" => "dollars per gigabyte",
        "Rate" => "requests per second",
        "Fraction" => "number from 0 to 1",
        "Positive" => "number above 0",
        "NonNegative" => "number, at least 0",
        "AnySettings" => "any fields",
        other => other,
    }
}

/// Words in lines of at most a hundred columns.
fn paragraph(words: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in words.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > 100 {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text
}

fn sentence(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text within a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn default(defaults: &Defaults, key: Key) -> String {
    let Some(seen) = defaults.get(&key) else { return "–".to_owned() };
    let sources = seen.sources.iter().cloned().collect::<Vec<_>>().join("; ");
    match (seen.values.len(), seen.values.first()) {
        (1, Some(value)) => cell(&format!("`{value}`: {sources}")),
        _ => cell(&sources),
    }
}

/// What the resolver filled in, by type and field.
fn defaults() -> Defaults {
    let mut defaults = Defaults::new();
    let shipped = shipped::scenario_names().map(|name| Text::read(&format!("@{name}")));
    // A scenario whose trace is not at hand says nothing here, nor does a choice that needs more than itself.
    for text in shipped.chain(samples()).flatten() {
        let Ok(loaded) = text.resolve() else { continue };
        for setting in loaded.variants.iter().flat_map(|variant| &variant.settings) {
            let SettingOrigin::Default { source, .. } = &setting.origin else { continue };
            let variant = |path: &str| name_of(text.document.get(path)?).map(str::to_owned);
            if let Some((Some(name), field)) = Form::scenario().field_at(&setting.path, &variant) {
                let seen = defaults.entry((name, field.name)).or_default();
                seen.values.insert(setting.value.clone());
                seen.sources.insert((*source).to_owned());
            }
        }
    }
    defaults
}

/// The skeleton, and the same with each choice that there is in it.
fn samples() -> impl Iterator<Item = Result<Text, Diagnostic>> {
    let text = skeleton(None).unwrap_or_default();
    let Kind::Struct(fields) = Form::scenario().kind() else { unreachable!("a scenario has fields") };
    let mut overrides = Vec::new();
    for field in fields {
        let path = match field.name {
            "services" => "services.service",
            "pools" => "pools.pool",
            "traffic" => "traffic.chat",
            name => name,
        };
        choices(path, &field.form, &mut overrides);
    }
    std::iter::once(None).chain(overrides.into_iter().map(Some)).map(move |choice| {
        // An SLO of tokens is nothing that every engine has; others need a time, and spot a pool.
        let beside = match &choice {
            Some(choice) if choice.contains("capacity=") => vec!["pools.pool.market=Spot"],
            Some(choice) if choice.contains("serving=") && !choice.contains("Batch") => {
                vec!["services.service.service_time=1s"]
            }
            _ => Vec::new(),
        };
        let beside = beside.into_iter().chain(["services.service.slo=[]"]).map(str::to_owned);
        Text::parse("sample", &text, &Registry::new())?.with(&choice.into_iter().chain(beside).collect::<Vec<_>>())
    })
}

/// Overrides that take each variant of a choice, and of the fields of a struct.
fn choices(path: &str, form: &Form, overrides: &mut Vec<String>) {
    match form.kind() {
        Kind::Map(of) => choices(path, &of, overrides),
        Kind::Struct(fields) => {
            for field in fields {
                let path = format!("{path}.{}", field.name);
                match field.form.kind() {
                    Kind::Struct(_) => overrides.push(format!("{path}={}", field.form.example())),
                    Kind::Choice(_) => choices(&path, &field.form, overrides),
                    _ => {}
                }
            }
        }
        Kind::Choice(variants) => {
            // As in the examples, and with nothing given.
            let spelled = |variant: &Variant| [variant.example(), format!("{}()", variant.name)];
            overrides.extend(variants.iter().flat_map(spelled).map(|spelled| format!("{path}={spelled}")));
        }
        _ => {}
    }
}
