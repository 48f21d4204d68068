//! `flashcrowd model`: what a model takes of a GPU, from its `config.json` and a datasheet.

use super::args::{Format, ModelArgs};
use super::outcome::{Outcome, print};
use crate::report::model::{Question, json, names, text};
use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_profiles::architecture::{self, Architecture, CacheFormat, KNOWN_MODELS, KnownModel};
use flashcrowd_profiles::law::Engine;
use flashcrowd_profiles::rank::{Parallelism, Settings};
use flashcrowd_profiles::{GPUS, Gpu, lookup};
use flashcrowd_scenario::files::read_small;
use std::path::Path;

/// Most tokens and sequences that are asked about.
const MOST: u32 = 1 << 24;

pub(super) fn model(args: &ModelArgs) -> Outcome {
    let Some(name) = &args.model else {
        print(&names())?;
        return Ok(0);
    };
    let (name, mut model) = find(name)?;
    if let Some(format) = &args.weights {
        let given = architecture::Format::from_name(format);
        let known = architecture::Format::ALL.map(architecture::Format::name);
        let format = given.ok_or_else(|| unknown("--weights", "number format", format, &known))?;
        model = model.in_format(format);
    }
    let question = question(args, &name, &model)?;
    match args.format {
        Format::Json => print(&serde_json::to_string_pretty(&json(&question)).unwrap_or_default())?,
        Format::Text => print(&text(&question))?,
    }
    Ok(0)
}

fn question<'a>(args: &ModelArgs, name: &'a str, model: &'a Architecture) -> Result<Question<'a>, Diagnostic> {
    let gpu: &Gpu = lookup(&GPUS, &args.gpu).map_err(|error| Diagnostic::about("--gpu", error.to_string()))?;
    let ranks = Parallelism { tensor: args.tp, data: args.dp, expert: args.ep };
    ranks.check(model).map_err(|error| Diagnostic::about(name, error.to_string()))?;
    let engine = Engine::from_name(&args.engine)
        .ok_or_else(|| unknown("--engine", "engine", &args.engine, &Engine::ALL.map(Engine::name)))?;
    let cache = match &args.kv {
        Some(name) => {
            CacheFormat::from_name(name).ok_or_else(|| unknown("--kv", "number format", name, &["bf16", "fp8"]))?
        }
        None => model.formats.cache,
    };
    if !(args.utilization > 0.0 && args.utilization <= 1.0) {
        let message = format!("{} is no share: expected more than 0 and at most 1", args.utilization);
        return Err(Diagnostic::about("--utilization", message));
    }
    for (flag, value) in [
        ("--batched-tokens", args.batched_tokens),
        ("--sequences", args.sequences),
        ("--prompt", args.prompt),
        ("--output", args.output),
    ] {
        if !(1..=MOST).contains(&value) {
            return Err(Diagnostic::about(flag, format!("expected 1 to {MOST}, found {value}")));
        }
    }
    let settings = Settings {
        utilization: args.utilization,
        batched_tokens: args.batched_tokens,
        sequences: args.sequences,
        cache,
        reads_images: args.images,
    };
    Ok(Question { name, model, gpu, ranks, engine, settings, prompt: args.prompt, output: args.output })
}

/// A file or its folder, or a model that is part of the program.
fn find(name: &str) -> Result<(String, Architecture), Diagnostic> {
    let path = Path::new(name);
    let file = if path.is_dir() { path.join("config.json") } else { path.to_owned() };
    let is_file = file.is_file() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if !is_file {
        let known = KnownModel::find(name).map_err(|_| unknown_model(name))?;
        return Ok((known.name.clone(), known.architecture()));
    }
    let text = read(&file)?;
    let beside = file.with_file_name("hf_quant_config.json");
    let separate = if beside.is_file() { Some(read(&beside)?) } else { None };
    let shown = file.display().to_string();
    let model = {
        let beside = separate.as_deref();
        architecture::read(&text, beside).map_err(|error| error.diagnostic(&shown, &text, beside))?
    };
    Ok((shown, model))
}

fn read(path: &Path) -> Result<String, Diagnostic> {
    let shown = path.display().to_string();
    let bytes =
        read_small(path).map_err(|error| Diagnostic::about(&shown, format!("cannot read the file: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Diagnostic::about(&shown, "the file is no UTF-8 text"))
}

fn unknown_model(name: &str) -> Diagnostic {
    let near = nearest(name, KNOWN_MODELS.iter().map(|model| model.name.as_str()));
    let error = Diagnostic::about(name, format!("there is no model `{name}`, nor a file of that name"));
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    error.with_help(format!("{near}`flashcrowd model` lists all; or give its `config.json` from Hugging Face"))
}

fn unknown(flag: &str, kind: &str, name: &str, known: &[&str]) -> Diagnostic {
    let error =
        Diagnostic::about(flag, format!("there is no {kind} `{name}`: expected {}", list(known.iter().copied())));
    match nearest(name, known.iter().copied()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error,
    }
}
