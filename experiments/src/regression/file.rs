//! A test as written, read and checked before anything runs.

use super::assertion::{Assertion, Wrong};
use flashcrowd_language::tree::{Place, Value};
use flashcrowd_language::words::plain;
use flashcrowd_language::{Diagnostic, Document, list, nearest};
use flashcrowd_scenario::Registry;
use flashcrowd_scenario::files::read_small;
use flashcrowd_scenario::{Loaded, Text};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A test file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// What it is about, in a sentence.
    pub about: Option<String>,
    /// The scenario: a path from the test's folder, or `@name` for a shipped one.
    pub scenario: String,
    /// Overrides of the scenario, each `path=value`; paths of files are from the test's folder.
    #[serde(default)]
    pub set: Vec<String>,
    /// Which variant, if the scenario has several.
    pub variant: Option<String>,
    /// What must hold in every replicate, such as `chat.ttft.p99 <= 1.5s`.
    #[serde(default)]
    pub assert: Vec<String>,
    /// The file beside it with the decisions that changed something.
    pub golden: Option<String>,
}

/// A test, ready to be played.
pub(super) struct Test {
    pub(super) path: PathBuf,
    pub(super) document: Document,
    /// The scenario with one variant.
    pub(super) loaded: Loaded,
    pub(super) assertions: Vec<Assertion>,
    pub(super) golden: Option<PathBuf>,
}

pub(super) fn read(path: &Path, registry: &Registry, load: Option<&str>) -> Result<Test, Diagnostic> {
    let shown = path.display().to_string();
    let bytes = read_small(path).map_err(|error| Diagnostic::about(&shown, plain(&error)))?;
    let document = Document::from_bytes(&shown, &bytes)?;
    let test: TestFile = document.deserialize()?;
    if test.assert.is_empty() && test.golden.is_none() {
        let error = document.error(document.root().place, "this test holds nothing");
        return Err(error.with_help("give `assert` or `golden`"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let loaded = chosen(&document, &test, scenario(&document, &test, folder, (registry, load))?)?;
    let resolved = &loaded.variants[0];
    let parse = |(i, text): (usize, &String)| {
        Assertion::parse(text, resolved).map_err(|wrong| at_assertion(&document, i, text, wrong))
    };
    let assertions = test.assert.iter().enumerate().map(parse).collect::<Result<Vec<_>, _>>()?;
    let golden = match &test.golden {
        Some(name) if name.trim().is_empty() => {
            return Err(document
                .error_at("golden", "a golden file needs a name")
                .with_help("such as `hpa.golden.csv`"));
        }
        // Decisions at another load are others.
        Some(name) if load.is_none() => Some(folder.join(name)),
        Some(_) | None => None,
    };
    Ok(Test { path: path.to_owned(), loaded, assertions, golden, document })
}

/// The scenario with the test's overrides. What is wrong with one of them is shown in the test.
fn scenario(
    document: &Document,
    test: &TestFile,
    folder: &Path,
    (registry, load): (&Registry, Option<&str>),
) -> Result<Loaded, Diagnostic> {
    let given = match test.scenario.strip_prefix('@') {
        Some(_) => test.scenario.clone(),
        None => folder.join(&test.scenario).display().to_string(),
    };
    let moved = |path: String, error: Diagnostic| {
        let mut moved = document.error_at(&path, error.message);
        // Help may repeat whose override it was.
        let help = error.help.map(|help| help.replace(&format!("{path} "), ""));
        (moved.label, moved.help) = (error.label, help);
        moved
    };
    let text = Text::read_with(&given, registry);
    // What is wrong inside the scenario has its place there.
    let mut text = text.map_err(|error| if error.line == 0 { moved("scenario".to_owned(), error) } else { error })?;
    let label = |i: usize| format!("set.{i}");
    for (i, assignment) in test.set.iter().enumerate() {
        text = text.with_one(&label(i), assignment, folder).map_err(|error| moved(label(i), error))?;
    }
    if let Some(load) = load {
        text = text.finally("--load", format!("load={load}"));
    }
    text.resolve().map_err(|error| match (0..test.set.len()).find(|i| error.file == label(*i)) {
        Some(i) => moved(label(i), error),
        None => error,
    })
}

/// The scenario with only the variant that the test names.
fn chosen(document: &Document, test: &TestFile, mut loaded: Loaded) -> Result<Loaded, Diagnostic> {
    let names: Vec<String> = loaded.variants.iter().map(|variant| variant.variant.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    let position = match &test.variant {
        None if names.len() <= 1 => 0,
        None => {
            let error = document.error_at("scenario", "this scenario has several variants");
            return Err(error.with_help(format!("say which: `variant: \"...\"`, {}", list(names))));
        }
        Some(_) if names.is_empty() => return Err(document.error_at("variant", "this scenario has no variants")),
        Some(wanted) => names.iter().position(|name| name == wanted).ok_or_else(|| {
            let error = document.error_at("variant", format!("there is no variant `{wanted}`"));
            let error = error.with_label(format!("expected {}", list(names.iter().copied())));
            match nearest(wanted, names.iter().copied()) {
                Some(near) => error.with_help(format!("did you mean `{near}`?")),
                None => error,
            }
        })?,
    };
    loaded.variants = vec![loaded.variants.swap_remove(position)];
    loaded.baseline = 0;
    Ok(loaded)
}

/// What is wrong with an assertion, at its own bytes where they stand in the file as they are.
fn at_assertion(document: &Document, index: usize, text: &str, wrong: Wrong) -> Diagnostic {
    let path = format!("assert.{index}");
    let whole = document.get(&path).map(|node| (node.place, &node.value));
    let start = document.text_at(&path).and_then(|written| written.find(text));
    let place = match (whole, start) {
        (Some((place, Value::Str(_))), Some(start)) => {
            let first = place.start + start as u32;
            Some(Place { start: first + wrong.span.start as u32, end: first + wrong.span.end as u32, ..place })
        }
        _ => None,
    };
    let mut error = match place {
        Some(place) => document.error(place, wrong.message),
        None => document.error_at(&path, wrong.message),
    };
    (error.label, error.help) = (wrong.label, wrong.help);
    error
}
