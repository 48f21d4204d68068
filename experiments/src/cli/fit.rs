//! `flashcrowd fit`: profiles from one's own measurements.

use super::args::{FitArgs, FitWhat, Format, ServingArgs};
use super::outcome::{Outcome, print, say};
use flashcrowd_language::words::plain;
use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_profiles::fit::report::{self, About, model_name};
use flashcrowd_profiles::fit::{Lookahead, Row, input};
use flashcrowd_profiles::{Precision, Profile};
use flashcrowd_results::write_whole;
use flashcrowd_scenario::files::read_small;
use std::path::Path;

pub(super) fn fit(args: &FitArgs) -> Outcome {
    let FitWhat::Serving(args) = &args.what;
    serving(args)
}

fn serving(args: &ServingArgs) -> Outcome {
    let mut rows = Vec::new();
    for file in &args.sweeps {
        rows.extend(input::read(file)?);
    }
    let rows = of_model(rows, args)?;
    let rows = of_shapes(rows, &args.shapes)?;
    if args.gpu.is_none() && rows.iter().any(|row| row.gpu.is_empty()) {
        let error = Diagnostic::about(&shown(args), "the file does not say on which GPU this was measured");
        return Err(error.with_help("name it: --gpu H100").into());
    }
    let fitted = report::fit_each(&rows, &about(args)?)
        .map_err(|(engine, error)| Diagnostic::about(&shown(args), format!("{engine} cannot be fitted: {error}")))?;
    let profiles: Vec<Profile> = fitted.iter().map(|fitted| fitted.profile.clone()).collect();
    if let Some(out) = &args.out {
        save(out, &profiles)?;
    }
    match args.format {
        Format::Json => print(&serde_json::to_string_pretty(&report::json(&fitted)).unwrap_or_default())?,
        Format::Text => print(&report::text(&fitted))?,
    }
    if let Some(out) = &args.out {
        say(&format!("profile: {}", out.display()));
    }
    Ok(0)
}

fn shown(args: &ServingArgs) -> String {
    args.sweeps.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A name on the command line that is none of those there are.
fn unknown(option: &str, what: &str, name: &str, known: &[String]) -> Diagnostic {
    let names = || known.iter().map(String::as_str);
    let error = Diagnostic::about(option, format!("there is no {what} `{name}`"));
    let error = error.with_label(format!("expected {}", list(names())));
    match nearest(name, names()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// The rows of `--model`; where the file names no model, that is its name.
fn of_model(mut rows: Vec<Row>, args: &ServingArgs) -> Result<Vec<Row>, Diagnostic> {
    let Some(wanted) = &args.model else {
        if rows.iter().any(|row| row.model.is_empty()) {
            let error = Diagnostic::about(&shown(args), "the file does not say which model was measured");
            return Err(error.with_help("name it: --model Llama-3.1-8B"));
        }
        return Ok(rows);
    };
    let mut known: Vec<String> = rows.iter().map(|row| row.model.clone()).filter(|name| !name.is_empty()).collect();
    known.sort();
    known.dedup();
    for row in rows.iter_mut().filter(|row| row.model.is_empty()) {
        row.model.clone_from(wanted);
    }
    rows.retain(|row| model_name(&row.model).eq_ignore_ascii_case(model_name(wanted)));
    if rows.is_empty() { Err(unknown("--model", "model", wanted, &known)) } else { Ok(rows) }
}

/// The rows of the shapes that were asked for, written `INxOUT`; all if there are none.
fn of_shapes(mut rows: Vec<Row>, shapes: &[String]) -> Result<Vec<Row>, Diagnostic> {
    if shapes.is_empty() {
        return Ok(rows);
    }
    let shape = |row: &Row| format!("{:.0}x{:.0}", row.input.mean, row.output.mean);
    let mut known: Vec<String> = rows.iter().map(shape).collect();
    known.sort();
    known.dedup();
    if let Some(missing) = shapes.iter().find(|wanted| !known.contains(wanted)) {
        return Err(unknown("--shapes", "shape", missing, &known));
    }
    rows.retain(|row| shapes.contains(&shape(row)));
    Ok(rows)
}

fn about(args: &ServingArgs) -> Result<About, Diagnostic> {
    let precision = args.precision.as_deref().map(|name| {
        let known = Precision::ALL.map(|precision| precision.name().to_owned());
        Precision::from_name(name).ok_or_else(|| unknown("--precision", "precision", name, &known))
    });
    let name = |file: &Path| file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let files: Vec<String> = args.sweeps.iter().map(|file| name(file)).collect();
    Ok(About {
        gpu: args.gpu.clone(),
        tensor_parallel: args.tp,
        precision: precision.transpose()?,
        data: args.data.clone().unwrap_or_else(|| files.join(", ")),
        on: if args.shapes.is_empty() { "all shapes".to_owned() } else { format!("shapes {}", args.shapes.join(", ")) },
        batched_tokens: args.max_num_batched_tokens,
        lookahead: args.lookahead.map_or(Lookahead::Better, Lookahead::Steps),
    })
}

/// Writes the profile file beside its place and renames it, so that it is whole or not there. What
/// stands there already is replaced only if it is a profile file.
fn save(out: &Path, profiles: &[Profile]) -> Result<(), Diagnostic> {
    let shown = out.display().to_string();
    if out.exists() && !read_small(out).is_ok_and(|bytes| flashcrowd_profiles::read(&shown, &bytes).is_ok()) {
        let error = Diagnostic::about(&shown, "this exists and is not a profile file");
        return Err(error.with_help("give another name with --out"));
    }
    write_whole(out, flashcrowd_profiles::write(profiles).as_bytes())
        .map_err(|error| Diagnostic::about(&shown, format!("cannot write the profile: {}", plain(&error))))
}
