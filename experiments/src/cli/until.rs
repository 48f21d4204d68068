//! `--until`: replicates are added until a figure's interval is as narrow as asked, or the budget ends.

use super::args::UntilArgs;
use crate::compare::{chosen, shown_value};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_language::words::count;
use flashcrowd_results::run::{Progress, Sink, play};
use flashcrowd_results::statistics::{Interval, Width, more_for_width};
use flashcrowd_results::{FigureDef, Results, Scope, Unit, more_trials, trials};
use flashcrowd_scenario::Loaded;

/// Replicates that are played at least before anything is said: fewer have wide intervals by chance.
const FIRST: u32 = 5;

/// How many replicates are played.
#[derive(Clone, Debug)]
pub(super) struct Until {
    wanted: Vec<Wanted>,
    budget: u32,
}

/// A figure, and how narrow its interval is to be.
#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    scope: Scope,
    figure: &'static FigureDef,
    width: Width,
}

impl Until {
    /// What the command line asks for; `None` if nothing. Gives the scenario its first replicates.
    ///
    /// # Errors
    /// A figure that the scenario does not have, or a width that is none.
    pub(super) fn of(
        args: &UntilArgs,
        loaded: &mut Loaded,
        replicates: Option<u64>,
    ) -> Result<Option<Until>, Diagnostic> {
        if args.until.is_empty() {
            return Ok(None);
        }
        let budget = args.budget;
        let wanted: Result<Vec<Wanted>, Diagnostic> =
            args.until.iter().map(|text| Wanted::parse(text, loaded)).collect();
        // What the command line says of replicates is where it begins; variants have as many each.
        let given = loaded.variants.iter().map(|variant| variant.replicates).max().unwrap_or(1);
        if given > budget {
            let message = format!("{given} replicates are played first: more than the `--budget` of {budget}");
            return Err(Diagnostic::about("--until", message).with_help(format!("`--budget {given}`, or more")));
        }
        let first = if replicates.is_some() { given } else { given.max(FIRST) };
        loaded.variants.iter_mut().for_each(|variant| variant.replicates = first.max(2).min(budget));
        Ok(Some(Until { wanted: wanted?, budget }))
    }

    /// How many replicates more; `None` if all intervals are narrow enough, nothing can be said, or the budget has
    /// ended.
    fn more(&self, results: &Results<'_>) -> Option<u32> {
        let trials = results.variants.iter().map(|variant| variant.figures.trials()).min()?;
        let needed = self.intervals(results).map(|(wanted, _, interval)| {
            interval.half_width?;
            // More than anyone can name is more than the budget.
            Some(more_for_width(&interval, wanted.width).unwrap_or(u32::MAX))
        });
        let needed = needed.collect::<Option<Vec<u32>>>()?.into_iter().max()?;
        // What was seen so far may mislead: at most twice as many.
        let more = needed.min(trials).min(self.budget.saturating_sub(trials));
        (more > 0).then_some(more)
    }

    /// Each figure in each variant; without a half-width where a replicate has no value.
    fn intervals<'a>(&'a self, results: &'a Results<'_>) -> impl Iterator<Item = (&'a Wanted, &'a str, Interval)> + 'a {
        let of = |wanted: &'a Wanted| {
            let variants = results.loaded.variants.iter().zip(&results.variants);
            variants.map(move |(resolved, own)| {
                let each: Option<Vec<f64>> =
                    own.figures.estimate(&wanted.scope, wanted.figure.id).each.into_iter().collect();
                (wanted, &*resolved.variant, Interval::of(&each.unwrap_or_default()))
            })
        };
        self.wanted.iter().flat_map(of)
    }

    /// How narrow each interval has become, in words.
    pub(super) fn words(&self, results: &Results<'_>) -> Vec<String> {
        let replicates = results.variants.iter().map(|variant| variant.figures.trials()).max().unwrap_or(0);
        let line = |(wanted, variant, interval): (&Wanted, &str, Interval)| {
            let of = if variant.is_empty() { String::new() } else { format!(" of `{variant}`") };
            let name = &wanted.name;
            let Some(half) = interval.half_width else {
                return format!("{name}{of}: not every replicate has a value, so there is no interval");
            };
            let reached = format!("{name}{of}: +-{} after {replicates} replicates", wanted.words(half, interval.mean));
            match more_for_width(&interval, wanted.width) {
                Some(0) => format!("{reached}, {} asked", wanted.asked()),
                Some(more) => format!(
                    "{reached}, {} asked: the budget has ended, {} more would do",
                    wanted.asked(),
                    count(u64::from(more))
                ),
                None => format!("{reached}, {} asked: more than 10,000 would be needed", wanted.asked()),
            }
        };
        self.intervals(results).map(line).collect()
    }
}

impl Wanted {
    /// Reads `chat.ttft.p99: 5%`, `chat.ttft.p99: 50ms`, `cost_usd: 10`.
    fn parse(text: &str, loaded: &Loaded) -> Result<Wanted, Diagnostic> {
        let wrong = |message: &str| {
            Diagnostic::about(&format!("--until {text}"), message).with_help(
                "write a figure and its half-width: `chat.ttft.p99: 5%`, `chat.ttft.p99: 50ms`, `cost_usd: 10`",
            )
        };
        // A name of an SLO has a colon, too.
        let (name, width) = text.rsplit_once(':').ok_or_else(|| wrong("no `:`"))?;
        let (name, width) = (name.trim(), width.trim());
        let (scope, figure) = chosen(loaded, name, "--until")?;
        let share = width.strip_suffix('%').map(|share| share.trim().parse::<f64>());
        let width = match (share, figure.unit) {
            (Some(Ok(share)), _) => Width::Relative(share / 100.0),
            (Some(Err(_)), _) => return Err(wrong("the share is no number")),
            (None, Unit::Seconds) => {
                let length = width.parse::<Duration>().map_err(|_| wrong("expected a share or a duration"))?;
                Width::Absolute(length.get().as_s_f64())
            }
            (None, _) => Width::Absolute(width.parse().map_err(|_| wrong("expected a share or a number"))?),
        };
        let (Width::Absolute(size) | Width::Relative(size)) = width;
        if !(size.is_finite() && size > 0.0) {
            return Err(wrong("expected a width above 0"));
        }
        Ok(Wanted { name: name.to_owned(), scope, figure, width })
    }

    /// A half-width, as the width was asked for.
    fn words(&self, half: f64, mean: f64) -> String {
        match self.width {
            Width::Relative(_) if mean != 0.0 => share(half / mean.abs()),
            _ => shown_value(self.figure, half),
        }
    }

    fn asked(&self) -> String {
        match self.width {
            Width::Relative(asked) => share(asked),
            Width::Absolute(half) => shown_value(self.figure, half),
        }
    }
}

/// A share in words, which may be more than the whole.
fn share(share: f64) -> String {
    let digits = usize::from(share < 0.1);
    format!("{:.digits$} %", share * 100.0)
}

/// Plays all trials of a scenario, and replicates more as long as any interval is too wide.
///
/// # Errors
/// What stopped a run.
pub(super) fn play_until<'l, S: Sink>(
    loaded: &'l Loaded,
    until: Option<&Until>,
    progress: &Progress,
    sink: &mut S,
    results: impl for<'s> Fn(&'s S) -> &'s Results<'l>,
) -> Result<(), Diagnostic> {
    play(loaded, &trials(loaded), progress, sink)?;
    let Some(until) = until else { return Ok(()) };
    while let Some(more) = until.more(results(sink)) {
        let from = results(sink).variants.iter().map(|variant| variant.figures.trials()).min().unwrap_or(0);
        play(loaded, &more_trials(loaded, from..from + more), progress, sink)?;
    }
    Ok(())
}
