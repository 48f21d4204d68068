//! Manifests: read as they run in production, and made into controllers. Each kind has a file here.

mod aibrix;
mod aws;
pub(crate) mod context;
mod dynamo;
mod hpa;
mod keda;
mod knative;
mod ray_serve;
mod skyserve;
pub(crate) mod spec;
mod wva;

pub(crate) use spec::Manifest;

use super::place::{Autoscalers, Place, Scaling};
use crate::errors::manifest_error;
use crate::files::Input;
use crate::part::Part;
use context::{Context, Reader};
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::PolicyInfo;
use flashcrowd_policies::manifest::{Kind, ManifestError, detect, edit};

/// Every kind of manifest that is read.
const READERS: &[Reader] = &[
    hpa::KIND,
    keda::OBJECT,
    keda::JOB,
    knative::KIND,
    ray_serve::KIND,
    skyserve::KIND,
    aibrix::KIND,
    wva::KIND,
    dynamo::KIND,
    aws::KIND,
];

/// The policies that manifests stand for.
pub(crate) fn policies() -> impl Iterator<Item = PolicyInfo> {
    READERS.iter().flat_map(|reader| reader.policies).copied()
}

/// Which kind of manifest a file holds, and the name of the object in it; `name` chooses among several.
///
/// # Errors
/// If the file is no YAML or JSON, or holds none of the kinds that are read, or several.
pub fn kind_of_manifest(bytes: &[u8], name: Option<&str>) -> Result<(Kind, Option<String>), ManifestError> {
    reader(bytes, name).map(|(reader, name)| (reader.kind, name))
}

/// Who reads a file, and the name of the object in it.
fn reader(bytes: &[u8], name: Option<&str>) -> Result<(&'static Reader, Option<String>), ManifestError> {
    let kinds: Vec<Kind> = READERS.iter().map(|reader| reader.kind).collect();
    detect(bytes, &kinds, name).map(|found| (&READERS[found.kind], found.name))
}

impl Part<Autoscalers> for Manifest {
    fn make(&self, place: &mut Place<'_, '_>) -> Result<Scaling, Diagnostic> {
        let mut file = file(self, place)?;
        let found = reader(&file.bytes, self.name.as_deref());
        let (reader, name) = found.map_err(|error| manifest_error(&file.shown, &error))?;
        change(self, place, &reader.kind, name.as_deref(), &mut file)?;
        let bindings = place.bindings()?;
        let mut context = Context {
            notes: place.notes,
            path: place.path.clone(),
            given: self,
            file: &file,
            name,
            service: place.service,
            services: place.stage.services,
            target: place.target,
            bindings,
            containers: place.containers.clone(),
            clock: place.stage.clock,
        };
        (reader.read)(&mut context)
    }
}

/// The manifest: of its file, or as it stands in the scenario.
fn file(given: &Manifest, place: &mut Place<'_, '_>) -> Result<Input, Diagnostic> {
    let path = &place.path;
    match (&given.path, &given.text) {
        (Some(file), None) => place.files.read(place.notes, &format!("{path}.path"), file),
        (None, Some(text)) => Ok(Input { shown: format!("{path}.text"), bytes: text.clone().into_bytes() }),
        (Some(_), Some(_)) => Err(place.notes.error(path, "a manifest is given by `path` or by `text`, not by both")),
        (None, None) => Err(place.notes.error(path, "a manifest needs the `path` of its file, or its `text`")),
    }
}

/// Writes the scenario's own values into the text.
fn change(
    given: &Manifest,
    place: &mut Place<'_, '_>,
    kind: &Kind,
    name: Option<&str>,
    file: &mut Input,
) -> Result<(), Diagnostic> {
    for (path, value) in &given.set {
        let at = format!("{}.set.\"{path}\"", place.path);
        file.bytes = edit(&file.bytes, kind, name, path, value).map_err(|error| {
            let line = error.line.map_or_else(String::new, |line| format!(", line {line}"));
            let refused = place.notes.error(&at, error.message.clone());
            let refused = refused.with_label(format!("in {}{line}", file.shown));
            match error.hint {
                Some(hint) => refused.with_help(hint),
                None => refused,
            }
        })?;
        place.notes.given(&at, value);
    }
    Ok(())
}
