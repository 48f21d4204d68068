//! `flashcrowd test`: policy regression tests.

use super::args::{Format, TestArgs};
use super::commands::in_pool;
use super::outcome::{Outcome, print, say};
use crate::regression::{self, junit};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::plain;
use flashcrowd_results::write_whole;
use flashcrowd_scenario::Registry;

pub(super) fn test(args: &TestArgs, registry: &Registry) -> Outcome {
    let files = regression::find(&args.places)?;
    let options = regression::Options { bless: args.bless, load: args.load.as_deref() };
    let report = in_pool(args.threads, || regression::run(&files, registry, &options));
    if let Some(path) = &args.junit {
        write_whole(path, junit(&report).as_bytes()).map_err(|error| {
            let shown = path.display().to_string();
            Diagnostic::about(&shown, format!("cannot write the results: {}", plain(&error)))
        })?;
    }
    for error in report.errors() {
        say(&error.to_string());
    }
    match args.format {
        Format::Json => print(&serde_json::to_string_pretty(&report.json()).unwrap_or_default())?,
        Format::Text => print(&report.to_string())?,
    }
    Ok(report.exit_code())
}
