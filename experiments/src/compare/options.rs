//! What is shown of a comparison.

use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_results::groups;

/// What is shown of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only this route or service.
    pub service: Option<String>,
    /// Every figure that is compared.
    pub long: bool,
    /// The service that manifests were given for: the others are said to be as they were.
    pub scaled: Option<String>,
}

impl Options {
    /// # Errors
    /// If there is no such route or service.
    pub fn check(&self, results: &flashcrowd_scenario::Loaded) -> Result<(), Diagnostic> {
        let Some(wanted) = &self.service else { return Ok(()) };
        let mut names: Vec<String> = results.variants.iter().flat_map(groups).map(|group| group.name).collect();
        names.sort();
        names.dedup();
        if names.contains(wanted) {
            return Ok(());
        }
        let error = Diagnostic::about("--service", format!("there is no service or route `{wanted}`"));
        let error = error.with_label(format!("expected {}", list(names.iter().map(String::as_str))));
        Err(match nearest(wanted, names.iter().map(String::as_str)) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error,
        })
    }
}
