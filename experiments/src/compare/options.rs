//! What is shown of a comparison.

use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_results::{FigureDef, Scope, ScopeKind, catalogue, groups};
use flashcrowd_scenario::Loaded;

/// What is shown of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only this route or service.
    pub service: Option<String>,
    /// Every figure that is compared.
    pub long: bool,
    /// These figures instead, as `figures` lists them: `chat.ttft.p99`, `cost_usd`.
    pub figures: Vec<String>,
    /// The service that manifests were given for: the others are said to be as they were.
    pub scaled: Option<String>,
}

impl Options {
    /// # Errors
    /// If there is no such route or service.
    pub fn check(&self, results: &Loaded) -> Result<(), Diagnostic> {
        for figure in &self.figures {
            chosen(results, figure, "--figures")?;
        }
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

/// What a figure's name means in a scenario: what it is about, and the figure; `option` of the command line names it.
///
/// # Errors
/// If nothing has that name, with the nearest.
pub fn chosen(loaded: &Loaded, name: &str, option: &str) -> Result<(Scope, &'static FigureDef), Diagnostic> {
    let known = named(loaded);
    if let Some((_, scope, figure)) = known.iter().find(|(own, ..)| own == name) {
        return Ok((scope.clone(), figure));
    }
    let error = Diagnostic::about(option, format!("there is no figure `{name}`"));
    let names = || known.iter().map(|(own, ..)| own.as_str());
    // The same figure of something else says more than a name that sounds alike.
    let figure = name.split_once('.').map(|(_, figure)| format!(".{figure}"));
    let alike = figure.and_then(|figure| names().find(|own| own.ends_with(&figure)));
    Err(match nearest(name, names()).or(alike) {
        Some(near) => error.with_help(format!("did you mean `{near}`? `flashcrowd figures` lists all")),
        None => error.with_help("`flashcrowd figures` lists all: `cost_usd`, or with a name `chat.ttft.p99`"),
    })
}

/// Every figure of the whole, of routes, services, their SLOs, and of pools, by the names that tables have.
fn named(loaded: &Loaded) -> Vec<(String, Scope, &'static FigureDef)> {
    let mut scopes = vec![(String::new(), Scope::all())];
    for resolved in &loaded.variants {
        for group in groups(resolved) {
            let slos = group.slos(resolved).iter().map(|slo| group.slo_scope(slo));
            scopes.extend(slos.map(|scope| (format!("{}.", scope.name), scope)));
            scopes.push((format!("{}.", group.name), group.scope()));
        }
        let pools = resolved.pools.iter().map(|pool| pool.name.to_string());
        scopes.extend(pools.map(|pool| (format!("pool.{pool}."), Scope::new(ScopeKind::Pool, pool))));
    }
    let of = |(name, scope): &(String, Scope)| -> Vec<(String, Scope, &'static FigureDef)> {
        let figures = catalogue().iter().filter(|figure| figure.scopes.contains(&scope.kind));
        figures.map(|figure| (format!("{name}{}", figure.id), scope.clone(), figure)).collect()
    };
    scopes.iter().flat_map(of).collect()
}
