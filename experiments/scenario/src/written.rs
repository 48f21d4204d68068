//! A resolved variant as a scenario again: overrides applied, copies made, manifests inside, every default
//! with its source as a comment. It plays the same run wherever it is kept, but for what no text can hold:
//! programs beside the scenario, and policies of a crate.

use crate::files::{read_small, start};
use crate::form::{Form, Kind, contract, name_of, set};
use crate::resolve::{Base, resolve};
use crate::resolved::Resolved;
use crate::settings::{Setting, SettingOrigin};
use crate::shipped;
use crate::spec::Scenario;
use flashcrowd_language::print::pretty;
use flashcrowd_language::tree::{Name, Node, Place, Value};
use flashcrowd_language::words::plain;
use flashcrowd_language::{Diagnostic, Document};
use std::fmt::Write as _;
use std::path::PathBuf;

/// What stands before the source of a default in the label of its override.
const DEFAULT: &str = "default: ";

/// The scenario of a resolved variant; `document` is the tree that it was resolved from, in full.
///
/// # Errors
/// A manifest that can no longer be read.
pub(crate) fn written(mut document: Document, resolved: &Resolved, base: Base<'_>) -> Result<String, Diagnostic> {
    keep_one_variant(&mut document, resolved);
    let origin = document.clone();
    let files = Files { document: &origin, base };
    Form::scenario().inline(document.root_mut(), &files)?;
    let mut remarks = Vec::new();
    for setting in &resolved.settings {
        if !give(&mut document, setting) {
            remarks.push(setting);
        }
    }
    let left_out = without_what_is_none(&mut document, base, resolved)?;
    remarks.extend(resolved.settings.iter().filter(|setting| left_out.contains(&setting.path)));
    contract(&mut document);
    let comment = |place: Place| document.label(place).and_then(|label| label.strip_prefix(DEFAULT)).map(str::to_owned);
    let mut text = format!("// Every setting of `{}`", resolved.name);
    if !resolved.variant.is_empty() {
        let _ = write!(text, ", variant `{}`", resolved.variant);
    }
    text.push_str(": what is a default has its source behind it.\n");
    text.push_str(&needs(&document));
    text.push_str(&pretty(document.root(), &comment));
    append(&mut text, &remarks);
    Ok(text)
}

/// What a scenario needs beyond its text, as comments: programs beside it, and policies of a crate.
fn needs(document: &Document) -> String {
    let services = document.get("services").map(|services| &services.value);
    let Some(Value::Map(services)) = services else { return String::new() };
    let mut text = String::new();
    for (key, service) in services {
        let Value::Struct { fields, .. } = &service.value else { continue };
        let autoscaler = fields.iter().find(|(name, _)| name.text == "autoscaler").map(|(_, node)| node);
        let need = match autoscaler.and_then(name_of) {
            Some("Command") => {
                "a command, which runs in the folder of this file: the files that it names must be there"
            }
            Some("Policy") => "a policy of a crate: only a program that registers it plays this",
            _ => continue,
        };
        let _ = writeln!(text, "// `{}` is scaled by {need}.", key.value.key_text());
    }
    text
}

/// Leaves out defaults that are no settings here: that have no effect, or that may not be given beside others.
/// Says their paths.
fn without_what_is_none(
    document: &mut Document,
    base: Base<'_>,
    resolved: &Resolved,
) -> Result<Vec<String>, Diagnostic> {
    let mut left_out = Vec::new();
    loop {
        let (none, error) = match resolve(document, base, &resolved.name, &resolved.variant) {
            Ok(resolved) => (idle_defaults(document, resolved), None),
            Err(error) => (refused_default(document, resolved, &error), Some(error)),
        };
        // What cannot be taken out would be found again, without an end.
        let before = left_out.len();
        left_out.extend(none.into_iter().filter(|path| document.unset(path)));
        match error {
            _ if left_out.len() > before => {}
            Some(error) => return Err(error),
            None => return Ok(left_out),
        }
    }
}

fn is_default(document: &Document, place: Place) -> bool {
    document.label(place).is_some_and(|label| label.starts_with(DEFAULT))
}

/// Paths of defaults that have no effect.
fn idle_defaults(document: &Document, resolved: Resolved) -> Vec<String> {
    let is_idle = |path: &String| document.locate(path).is_some_and(|place| is_default(document, place));
    resolved.idle.into_iter().filter(is_idle).collect()
}

/// The path of the default that an error is about, if it is about one.
fn refused_default(document: &Document, resolved: &Resolved, error: &Diagnostic) -> Vec<String> {
    let Some(place) = error.place().filter(|place| is_default(document, *place)) else { return Vec::new() };
    let is_there = |path: &&str| document.locate(path).is_some_and(|found| found.source == place.source);
    let paths = resolved.settings.iter().map(|setting| setting.path.as_str());
    paths.filter(is_there).take(1).map(str::to_owned).collect()
}

/// What follows from settings and is none itself.
fn append(text: &mut String, remarks: &[&Setting]) {
    let derived: Vec<_> =
        remarks.iter().filter(|setting| !matches!(setting.origin, SettingOrigin::Given { .. })).collect();
    if derived.is_empty() {
        return;
    }
    text.push_str("\n// What follows from these:\n");
    for setting in derived {
        let _ = writeln!(text, "//   {} = {} ({})", setting.path, setting.value.replace('\n', " "), setting.origin);
    }
}

/// Leaves out the variants, of which this is one, and says the name.
fn keep_one_variant(document: &mut Document, resolved: &Resolved) {
    let Value::Struct { fields, .. } = &mut document.root_mut().value else { return };
    fields.retain(|(name, _)| name.text != "variants" && name.text != "baseline");
    if !fields.iter().any(|(name, _)| name.text == "name") {
        let place = Place::default();
        let value = Node { value: Value::Str(resolved.name.clone()), place };
        fields.insert(0, (Name { text: "name".to_owned(), place }, value));
    }
}

/// Writes a default into the tree. False if it is no setting of a scenario, or not in its notation.
fn give(document: &mut Document, setting: &Setting) -> bool {
    let SettingOrigin::Default { source, .. } = &setting.origin else { return document.get(&setting.path).is_some() };
    if document.get(&setting.path).is_some() {
        return true;
    }
    let Some(form) = Form::scenario().at(&setting.path, document) else { return false };
    let mut tried = document.clone();
    let parents: Vec<usize> = setting.path.match_indices('.').map(|(dot, _)| dot).collect();
    for dot in parents {
        let parent = &setting.path[..dot];
        let is_struct =
            Form::scenario().at(parent, document).is_some_and(|form| matches!(form.kind(), Kind::Struct(_)));
        if is_struct && tried.get(parent).is_none() && tried.set("default", &format!("{parent}=()")).is_err() {
            return false;
        }
    }
    let assignment =
        format!("{}={}", setting.path, setting.written.clone().unwrap_or_else(|| notation(form, &setting.value)));
    // What stands in another notation than its words has those, too.
    let words = setting.written.as_ref().map_or_else(String::new, |_| format!("{}: ", setting.value));
    let is_set = set(&mut tried, &format!("{DEFAULT}{words}{source}"), &assignment).is_ok();
    let reads = is_set && tried.deserialize::<Scenario>().is_ok();
    if reads {
        *document = tried;
    }
    reads
}

/// A value in the notation of scenarios: texts and quantities stand in quotes.
fn notation(form: Form, value: &str) -> String {
    let plain = value.starts_with('"') || value == "None";
    let quoted = match (form.kind(), form.name(), form.json_type()) {
        (Kind::Leaf, Some("DurationDistribution"), _) => !value.contains('('),
        (Kind::Leaf, Some("Duration" | "ByteSize" | "ByteRate" | "Price" | "Rate"), _)
        | (Kind::Leaf, _, Some("string")) => true,
        // A law that may stand alone.
        (Kind::Choice(_), ..) => form.bare_variant().is_some() && value.starts_with(|c: char| c.is_ascii_digit()),
        _ => false,
    };
    if quoted && !plain { format!("{value:?}") } else { value.to_owned() }
}

/// The files that a scenario names.
struct Files<'a> {
    document: &'a Document,
    base: Base<'a>,
}

impl Files<'_> {
    /// Where a file is that is named at a place.
    fn locate(&self, place: Place, path: &str) -> PathBuf {
        start(self.document.label(place), self.base.folder, self.base.typed).join(path)
    }

    fn read(&self, place: Place, path: &str) -> Result<String, Diagnostic> {
        if let Some(text) = shipped::find(path).filter(|_| self.base.embedded) {
            return Ok(text.to_owned());
        }
        let failed = |words: String| self.document.error(place, format!("cannot read `{path}`: {words}"));
        let bytes = read_small(&self.locate(place, path)).map_err(|error| failed(plain(&error)))?;
        String::from_utf8(bytes).map_err(|_| failed("it is no text".to_owned()))
    }
}

impl Form {
    /// Puts manifests inside, and gives files their whole paths: the text may then be kept anywhere.
    fn inline(&self, node: &mut Node, files: &Files<'_>) -> Result<(), Diagnostic> {
        match (self.kind(), &mut node.value) {
            (Kind::Struct(_), Value::Struct { fields, .. }) => self.inline_fields(fields, files),
            (Kind::Map(of), Value::Map(entries)) => {
                entries.iter_mut().try_for_each(|(_, value)| of.inline(value, files))
            }
            (Kind::List(of), Value::List(items)) => items.iter_mut().try_for_each(|item| of.inline(item, files)),
            (Kind::Choice(variants), Value::Struct { name: Some(name), fields }) => {
                let content = variants.iter().find(|variant| variant.name == name.text).and_then(|one| one.content);
                content.map_or(Ok(()), |content| content.inline_fields(fields, files))
            }
            (Kind::Choice(variants), Value::Tuple { name: Some(name), items }) => {
                let content = variants.iter().find(|variant| variant.name == name.text).and_then(|one| one.content);
                let inline = |content: Form| items.iter_mut().try_for_each(|item| content.inline(item, files));
                content.map_or(Ok(()), inline)
            }
            _ => Ok(()),
        }
    }

    fn inline_fields(&self, given: &mut [(Name, Node)], files: &Files<'_>) -> Result<(), Diagnostic> {
        let Kind::Struct(fields) = self.kind() else { return Ok(()) };
        for (name, node) in given {
            let Some(field) = fields.iter().find(|field| field.name == name.text) else { continue };
            let place = node.place;
            match &mut node.value {
                Value::Str(path) if field.form.names_file() && self.name() == Some("Manifest") => {
                    *path = files.read(place, path)?;
                    "text".clone_into(&mut name.text);
                }
                Value::Str(path) if field.form.names_file() => {
                    let whole = files.locate(place, path);
                    *path = std::path::absolute(&whole).unwrap_or(whole).to_string_lossy().into_owned();
                }
                _ => field.form.inline(node, files)?,
            }
        }
        Ok(())
    }
}
