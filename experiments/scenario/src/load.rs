//! From a name on the command line to resolved variants: the file or the shipped scenario, its
//! variants' overrides, the command line's overrides.

use crate::copies::spread_services;
use crate::files;
use crate::form;
use crate::registry::Registry;
use crate::resolve::{Base, resolve};
use crate::resolved::Resolved;
use crate::shipped;
use crate::written::written;
use flashcrowd_language::words::plain;
use flashcrowd_language::{Diagnostic, Document, list, nearest};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A scenario with all its variants.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its name.
    pub name: String,
    /// As it was given: a path, or `@name`.
    pub given: String,
    /// Hash of the scenario's own text.
    pub hash: String,
    /// Variants, resolved; one with an empty name if the scenario has none.
    pub variants: Vec<Resolved>,
    /// The variant that others are compared with, by position.
    pub baseline: usize,
}

/// What the scenario's text is, before it is resolved.
#[derive(Clone, Debug)]
pub struct Text {
    /// The parsed document, without overrides.
    pub document: Document,
    given: String,
    stem: String,
    folder: PathBuf,
    embedded: bool,
    /// Where paths start that overrides give.
    typed: PathBuf,
    registry: Registry,
    hash: String,
    /// Old spellings in the file and in overrides that hold for all variants.
    old_spellings: Vec<String>,
    /// Overrides of every variant, after its own: options of the command line.
    last: Vec<(&'static str, String)>,
}

/// The document of one variant: overrides applied, copies for regions made, short spellings in full.
struct Whole {
    document: Document,
    /// Its overrides as they were given.
    overrides: Vec<String>,
    /// Old spellings in it, with those of today.
    old_spellings: Vec<String>,
}

/// The part of the schema that says which variants there are; everything else is passed over here.
#[derive(Deserialize)]
struct Variants {
    #[serde(default)]
    variants: BTreeMap<String, Vec<String>>,
    baseline: Option<String>,
}

impl Text {
    /// Reads and parses a scenario: a path, or `@name` for one that is part of the program.
    ///
    /// # Errors
    /// A file that cannot be read, or a text that is no RON.
    pub fn read(given: &str) -> Result<Text, Diagnostic> {
        Text::read_with(given, &Registry::new())
    }

    /// The same where scenarios may also name policies of a registry.
    ///
    /// # Errors
    /// As [`Text::read`].
    pub fn read_with(given: &str, registry: &Registry) -> Result<Text, Diagnostic> {
        let (shown, bytes, folder, embedded) = if let Some(name) = given.strip_prefix('@') {
            let file = format!("{name}.ron");
            let text = shipped::find(&file).ok_or_else(|| unknown_shipped(given, name))?;
            (file, text.as_bytes().to_vec(), PathBuf::from("."), true)
        } else {
            let path = Path::new(given);
            let bytes = files::read_small(path).map_err(|error| cannot_read(given, &error))?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            (given.to_owned(), bytes, folder.unwrap_or(Path::new(".")).to_owned(), false)
        };
        let stem = Path::new(&shown).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let mut document = Document::from_bytes(&shown, &bytes)?;
        let old_spellings = form::expand(&mut document);
        let (typed, registry) = (PathBuf::new(), registry.clone());
        let hash = files::hash(&bytes);
        let (given, last) = (given.to_owned(), Vec::new());
        Ok(Text { document, given, stem, folder, embedded, typed, registry, hash, old_spellings, last })
    }

    /// A scenario that stands in no file; relative paths start in the working directory.
    ///
    /// # Errors
    /// A text that is no RON.
    pub fn parse(name: &str, text: &str, registry: &Registry) -> Result<Text, Diagnostic> {
        let mut document = Document::parse(&format!("{name}.ron"), text)?;
        let old_spellings = form::expand(&mut document);
        Ok(Text {
            document,
            given: name.to_owned(),
            stem: name.to_owned(),
            folder: PathBuf::new(),
            embedded: false,
            typed: PathBuf::new(),
            registry: registry.clone(),
            hash: files::hash(text.as_bytes()),
            old_spellings,
            last: Vec::new(),
        })
    }

    /// The document with overrides from the command line.
    ///
    /// # Errors
    /// An override whose path or value is wrong.
    pub fn with(mut self, overrides: &[String]) -> Result<Text, Diagnostic> {
        for assignment in overrides {
            self.old_spellings.extend(form::set(&mut self.document, "--set", assignment)?);
        }
        Ok(self)
    }

    /// The document with an override that also holds over those of variants: an option of the command
    /// line, such as `--seed`.
    #[must_use]
    pub fn finally(mut self, option: &'static str, assignment: String) -> Text {
        self.last.push((option, assignment));
        self
    }

    /// The document with one override that stands in a file in `folder`: paths that it gives start there.
    ///
    /// # Errors
    /// An override whose path or value is wrong.
    pub fn with_one(mut self, label: &str, assignment: &str, folder: &Path) -> Result<Text, Diagnostic> {
        folder.clone_into(&mut self.typed);
        self.old_spellings.extend(form::set(&mut self.document, label, assignment)?);
        Ok(self)
    }

    /// Resolves every variant.
    ///
    /// # Errors
    /// The first thing that is wrong in any variant.
    pub fn resolve(&self) -> Result<Loaded, Diagnostic> {
        let listed = self.variants()?;
        let mut variants = Vec::new();
        for (name, overrides) in &listed.variants {
            variants.push(self.resolve_with(name, &of_variant(name, overrides))?);
        }
        if variants.is_empty() {
            variants.push(self.resolve_with("", &[])?);
        }
        let baseline = match &listed.baseline {
            None => 0,
            Some(wanted) => variants.iter().position(|variant| variant.variant == *wanted).ok_or_else(|| {
                let names: Vec<&str> = listed.variants.keys().map(String::as_str).collect();
                let error = self.document.error_at("baseline", format!("there is no variant `{wanted}`"));
                error.with_label(format!("expected {}", list(names)))
            })?,
        };
        let name = variants[0].name.clone();
        Ok(Loaded { name, given: self.given.clone(), hash: self.hash.clone(), variants, baseline })
    }

    /// Resolves the scenario itself with some overrides, as one variant of that name.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn resolve_with(&self, name: &str, overrides: &[(String, String)]) -> Result<Resolved, Diagnostic> {
        let whole = self.whole(overrides)?;
        let mut resolved = resolve(&whole.document, self.base(), &self.stem, name)?;
        resolved.overrides = whole.overrides;
        resolved.warnings.extend(whole.old_spellings);
        Ok(resolved)
    }

    /// The document with some overrides and the options of the command line, in full.
    fn whole(&self, overrides: &[(String, String)]) -> Result<Whole, Diagnostic> {
        let (mut document, mut old_spellings) = (self.document.clone(), self.old_spellings.clone());
        let overrides = overrides.iter().map(|(label, assignment)| (label.as_str(), assignment));
        let options = self.last.iter().map(|(option, assignment)| (*option, assignment));
        for (label, assignment) in overrides.chain(options) {
            old_spellings.extend(form::set(&mut document, label, assignment)?);
        }
        let overrides = document.assignments();
        spread_services(&mut document)?;
        old_spellings.extend(form::expand(&mut document));
        Ok(Whole { document, overrides, old_spellings })
    }

    fn base(&self) -> Base<'_> {
        let Text { folder, embedded, typed, registry, .. } = self;
        Base { folder, embedded: *embedded, typed, registry }
    }

    /// A variant as a scenario of its own in which no option is open: overrides applied, manifests inside, each
    /// default with its source as a comment. It plays the same run.
    ///
    /// # Errors
    /// The first thing that is wrong in it; several variants of which none is named, or a name that none has.
    pub fn written(&self, variant: Option<&str>) -> Result<String, Diagnostic> {
        let listed = self.variants()?.variants;
        let names = || list(listed.keys().map(String::as_str));
        let name = match (variant, listed.len()) {
            (Some(name), _) if listed.contains_key(name) => name,
            (Some(name), _) => {
                let error = Diagnostic::about(&self.given, format!("there is no variant `{name}`"));
                return Err(if listed.is_empty() { error } else { error.with_label(format!("expected {}", names())) });
            }
            (None, 0) => "",
            (None, 1) => listed.keys().next().map_or("", String::as_str),
            (None, _) => {
                let error =
                    Diagnostic::about(&self.given, "it has several variants, and each is a scenario of its own");
                return Err(error.with_label(names()).with_help("say which: `--variant NAME`"));
            }
        };
        let overrides = listed.get(name).map_or_else(Vec::new, |overrides| of_variant(name, overrides));
        let document = self.whole(&overrides)?.document;
        let resolved = resolve(&document, self.base(), &self.stem, name)?;
        written(document, &resolved, self.base())
    }

    fn variants(&self) -> Result<Variants, Diagnostic> {
        self.document.deserialize()
    }
}

/// The overrides of a variant with the label that says so.
fn of_variant(name: &str, overrides: &[String]) -> Vec<(String, String)> {
    overrides.iter().map(|assignment| (format!("variant `{name}`"), assignment.clone())).collect()
}

fn unknown_shipped(given: &str, name: &str) -> Diagnostic {
    let names: Vec<&str> = shipped::scenario_names().collect();
    let error = Diagnostic::about(given, format!("there is no shipped scenario `@{name}`"));
    let error = error.with_label(format!("expected {}", list(names.iter().copied())));
    match nearest(name, names) {
        Some(near) => error.with_help(format!("did you mean `@{near}`?")),
        None => error,
    }
}

fn cannot_read(given: &str, error: &std::io::Error) -> Diagnostic {
    let problem = Diagnostic::about(given, format!("cannot read the scenario: {}", plain(error)));
    let bare = given.trim_end_matches(".ron").rsplit('/').next().unwrap_or(given);
    if shipped::find(&format!("{bare}.ron")).is_some() {
        return problem.with_help(format!("`@{bare}` is part of the program: `flashcrowd run @{bare}`"));
    }
    problem
}
