//! Token-level serving against measured engines: each point is replayed with the same window and
//! the same client, with the fitted profile of its model and GPU, with that of the model's shape, and with the datasheet's.
//!
//! | file | holds |
//! | --- | --- |
//! | `point` | a measured point |
//! | `table`, `names` | reference tables; models and GPUs as they are spelt there |
//! | `read` | the forms of reference data, told apart |
//! | `silicon` | models of closed-loop points by their shape |
//! | `sweeps`, `closed_loop`, `stages`, `dstack`, `splitwise`, `peers`, `requests`, `argonne`, `triton` | one form each |
//! | `play`, `measures` | one point against one simulated engine, and what its client reports |
//! | `error` | why a point cannot be replayed |
//! | `judge` | errors by profile, model, band and metric, and the limits |
//! | `text`, `plot` | tables and plots |
//! | `ratchet` | errors that may not grow |

mod argonne;
mod closed_loop;
mod dstack;
mod error;
mod judge;
mod measures;
pub(super) mod names;
mod peers;
mod play;
mod plot;
mod point;
mod ratchet;
mod read;
mod requests;
mod silicon;
mod splitwise;
mod stages;
mod sweeps;
pub(super) mod table;
mod text;
mod triton;

use crate::error::ValidateError;
use crate::report::{Counts, Report};
use error::PlayError;
use flashcrowd_profiles::law::Class;
use flashcrowd_profiles::rank::Parallelism;
use flashcrowd_profiles::{Fitted, Library, MODELS, Origin, Profile, lookup};
use judge::{Compared, Split};
pub(super) use plot::plots;
use point::{Point, Shaped, Source};
pub use ratchet::Baseline;
use rayon::prelude::*;
use read::Content;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Runs of each point with other lengths, of which the mean counts.
const REPLICATES: u32 = 3;

/// A point's comparisons, or why it cannot be played.
type Played = Result<Vec<Compared>, PlayError>;

pub(super) fn run(
    files: &[PathBuf],
    library: &Library,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, ValidateError> {
    let (mut compared, mut predictions, mut curves) = (Vec::new(), Vec::new(), Vec::new());
    let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
    let mut first = None;
    for path in files {
        progress(&path.display().to_string());
        let mut content = read::read(path)?;
        let played: Vec<Played> = content.points.par_iter().map(|point| compare(point, library)).collect();
        for (point, played) in std::mem::take(&mut content.points).into_iter().zip(played) {
            match played {
                Ok(found) => compared.extend(found),
                Err(why) => content.left_out.push((point.line, why.to_string())),
            }
        }
        let Content { predictions: of_peers, curves: of_servers, left_out: unread, .. } = content;
        predictions.extend(of_peers);
        curves.extend(of_servers);
        for (line, why) in unread {
            first.get_or_insert_with(|| (path, line, why.clone()));
            *left_out.entry(why).or_default() += 1;
        }
    }
    if let Some((path, line, why)) =
        first.filter(|_| compared.is_empty() && predictions.is_empty() && curves.is_empty())
    {
        let rows: u64 = left_out.values().sum();
        let message = format!("none of {rows} rows can be replayed; the first: {why}");
        return Err(ValidateError::new(&path.display().to_string(), Some(line), message));
    }
    let mut report = Report::new("serving");
    let groups = judge::groups(&compared);
    judge::report(&mut report, &compared, &groups);
    text::groups(&mut report, &groups);
    text::saturation(&mut report, &compared);
    text::peers(&mut report, &predictions, &compared);
    triton::report(&mut report, &curves);
    count_left_out(&mut report, &left_out);
    Ok(report)
}

fn count_left_out(report: &mut Report, left_out: &BTreeMap<String, u64>) {
    for (why, count) in left_out {
        report.count("left out", &Counts { cases: *count, ..Counts::default() });
        let rows = if *count == 1 { "row" } else { "rows" };
        report.notes.push(format!("left out: {count} {rows}: {why}"));
    }
}

/// A point with each of its profiles.
fn compare(point: &Point, library: &Library) -> Played {
    let mut compared = Vec::new();
    for (at, (name, profile)) in profiles(point, library)?.into_iter().enumerate() {
        let simulated = play::play(point, &profile, REPLICATES)?;
        for (&(metric, measured), (_, simulated)) in point.measured.iter().zip(simulated) {
            compared.push(Compared {
                id: point.id.clone(),
                source: point.source,
                profile: name,
                is_best: at == 0,
                model: profile.model.clone(),
                class: profile.shape.as_ref().map(|shape| Class::of(&shape.model).name()),
                band: point.band,
                metric,
                measured,
                simulated,
                split: split(point, &profile),
                unjudged: point.unjudged,
            });
        }
    }
    Ok(compared)
}

/// Whether the profile was fitted on points of that shape. Fits are made on sweeps: other data of
/// the same model and GPU are held out.
fn split(point: &Point, profile: &Profile) -> Option<Split> {
    let Origin::Fitted(Fitted { on, .. }) = &profile.origin else { return None };
    let mut shapes = on.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| is_shape(word)).peekable();
    let seen = point.source == Source::Sweep
        // A fit that names no shape was made on all shapes.
        && (shapes.peek().is_none() || shapes.any(|shape| shape == point.shape()));
    Some(if seen { Split::FittedOn } else { Split::HeldOut })
}

/// `256x1024`
fn is_shape(word: &str) -> bool {
    word.split_once('x').is_some_and(|(prompt, output)| prompt.parse::<u32>().is_ok() && output.parse::<u32>().is_ok())
}

/// The profiles of a point: the fitted one, if there is one; that of the model's shape, if it is known; and the
/// datasheet's, if the model has a card.
fn profiles(point: &Point, library: &Library) -> Result<Vec<(&'static str, Profile)>, PlayError> {
    let by_shape = by_shape(point)?;
    let by_card = match by_card(point, library) {
        Err(why) if by_shape.is_none() => return Err(why),
        by_card => by_card.unwrap_or_default(),
    };
    let (fitted, datasheet): (Vec<_>, Vec<_>) = by_card.into_iter().partition(|(name, _)| *name == "fitted");
    Ok(fitted.into_iter().chain(by_shape).chain(datasheet).collect())
}

fn by_shape(point: &Point) -> Result<Option<(&'static str, Profile)>, PlayError> {
    let shaped = match (&point.shaped, names::known(&point.model)) {
        (Some(shaped), _) => shaped.clone(),
        (None, Ok(known)) => Shaped::vllm(known, point.precision, Parallelism::tensor(point.gpus)),
        (None, Err(_)) => return Ok(None),
    };
    let Shaped { name, model, ranks, engine, .. } = &shaped;
    Ok(Some(("shape", Profile::of_shape(name, model, &point.gpu, *ranks, *engine)?)))
}

fn by_card(point: &Point, library: &Library) -> Result<Vec<(&'static str, Profile)>, PlayError> {
    let model = lookup(&MODELS, &point.model)?;
    if !model.query_heads.is_multiple_of(point.gpus) {
        return Err(PlayError::UnevenSplit { model: model.name.clone(), gpus: point.gpus });
    }
    let computed = Profile::computed(model, &point.gpu, point.gpus, point.precision);
    // A GPU that the catalogue lacks has a fitted profile only if the user brings one.
    let found = library.find(&model.name, &point.gpu.name, point.gpus, point.precision).ok();
    let Some(fitted) = found.filter(|profile| matches!(profile.origin, Origin::Fitted(_))) else {
        return Ok(vec![("datasheet", computed)]);
    };
    // Whether the engine plans ahead is a fact about the run, not about the profile.
    let computed = Profile { lookahead_steps: fitted.lookahead_steps, ..computed };
    Ok(vec![("fitted", fitted), ("datasheet", computed)])
}
