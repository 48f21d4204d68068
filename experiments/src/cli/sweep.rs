//! `sweep`: a scenario for many values of its settings, and the union of shards.

use super::args::{Format, MergeArgs, SweepArgs, SweepCommand};
use super::commands::in_pool;
use super::outcome::{Outcome, print, say};
use super::play::{autoscaler, plain, scaled_service, text};
use crate::sweep::{self, Axis, Entry, Merged, Plan, Request, Sample, Shard, Store, Sweep};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::words::count;
use flashcrowd_results::run::Progress;
use flashcrowd_scenario::Registry;
use std::path::{Path, PathBuf};

pub(super) fn sweep(args: &SweepArgs, registry: &Registry) -> Outcome {
    if let Some(SweepCommand::Merge(args)) = &args.merge {
        return merge(args);
    }
    let sweep = Sweep::new(request(args, registry)?)?;
    if args.plan {
        print(&serde_json::to_string_pretty(&sweep.plan.json()).unwrap_or_default())?;
        return Ok(0);
    }
    let shard = match &args.shard {
        Some(shard) => Shard::parse(shard, |name| std::env::var(name).ok())?,
        None => Shard::WHOLE,
    };
    let folder = args.out.clone().unwrap_or_else(|| place(&sweep.plan, shard));
    let store = Store::open(&folder, &sweep.plan)?;
    let progress = Progress::new(!args.play.quiet);
    let entries = in_pool(args.play.threads, || sweep::play(&sweep, &store, shard, &progress))?;
    if !shard.is_part() {
        return in_pool(args.play.threads, || end(&sweep.plan, &store, &entries, args.play.format));
    }
    store.write_index(&entries)?;
    say(&format!(
        "shard {} of a sweep of {} cells: {} played, in {}",
        shard.name(),
        count(sweep.plan.cells()),
        count(entries.len() as u64),
        folder.display()
    ));
    say("next: flashcrowd sweep merge SHARD-FOLDERS.. --out WHOLE");
    Ok(0)
}

fn request(args: &SweepArgs, registry: &Registry) -> Result<Request, Diagnostic> {
    let scenario = args.scenario.as_deref().unwrap_or_default();
    let text = text(scenario, &args.play, registry)?;
    let axes: Result<Vec<Axis>, Diagnostic> = args.over.iter().map(|over| Axis::parse(over)).collect();
    let mut axes = axes?;
    if !args.policies.is_empty() {
        let service = scaled_service(&text.resolve()?, args.service.as_deref())?;
        let policies = args.policies.iter().map(|path| autoscaler(path).1).collect();
        axes.push(Axis::of_policies(&service, policies));
    }
    let sample = args.sample.as_deref().map(Sample::parse).transpose()?.unwrap_or_default();
    Ok(Request { text, axes, sample, options: options(args) })
}

/// What else of the command line changes results; seed and replicates stand in the plan on their own.
fn options(args: &SweepArgs) -> Vec<String> {
    let set = args.play.set.iter().map(|set| format!("--set {set}"));
    set.chain(args.play.load.iter().map(|load| format!("--load {load}"))).collect()
}

fn place(plan: &Plan, shard: Shard) -> PathBuf {
    let name = plain(&plan.name);
    let name = if shard.is_part() { format!("{name}-sweep-{}", shard.name()) } else { format!("{name}-sweep") };
    Path::new("out").join(name)
}

/// Writes the tables and prints the report.
fn end(plan: &Plan, store: &Store, entries: &[Entry], format: Format) -> Outcome {
    store.write_index(entries)?;
    sweep::write_table(plan, store, entries)?;
    let outcome = sweep::Outcome::read(plan, store, entries)?;
    match format {
        Format::Text => {
            print(&sweep::text(&outcome))?;
            say(&format!("outputs: {}", store.folder().display()));
        }
        Format::Json => print(&serde_json::to_string_pretty(&outcome.json()).unwrap_or_default())?,
    }
    Ok(0)
}

fn merge(args: &MergeArgs) -> Outcome {
    match sweep::merge(&args.shards, &args.out)? {
        Merged::Whole(plan, store, entries) => end(&plan, &store, &entries, Format::Text),
        Merged::Missing(missing, of) => {
            say(&format!("error: {} cells are missing:", count(of)));
            for cell in &missing {
                say(&format!("  {cell}"));
            }
            if of > missing.len() as u64 {
                say(&format!("  and {} more", count(of - missing.len() as u64)));
            }
            Ok(4)
        }
    }
}
