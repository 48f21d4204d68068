//! Dynamic batching: explicit coefficients, or a profile and what goes before it.

use crate::settings::Notes;
use crate::spec::DynamicBatch;
use flashcrowd_core::SimDuration;
use flashcrowd_core::serving::{BatchConfig, BatchTime};
use flashcrowd_language::units::{Duration, Positive};
use flashcrowd_language::{Diagnostic, nearest};
use flashcrowd_profiles::batch::{self, BatchProfile};

const MEASURED: &str = "the profile, from NVIDIA/DeepLearningExamples@729963d";
const TRITON: &str = "Triton's default (docs/user_guide/batcher.md, model_configuration.md)";
const PREFETCH: &str = "batches are formed when an instance is free; Triton forms up to 2 for each instance ahead";
const NO_STAGE: &str = "no such stage";
/// Over the tables of two instances it is 1.0 to 1.4.
const SERIAL: &str = "instances take turns on the GPU and lose nothing (docs/batching.md)";

pub(crate) fn resolve(notes: &mut Notes<'_>, name: &str, given: &DynamicBatch) -> Result<BatchConfig, Diagnostic> {
    let path = |field: &str| format!("services.{name}.serving.{field}");
    let base = match &given.profile {
        Some(_) if given.fixed.or(given.per_item).is_some() => {
            let field = if given.fixed.is_some() { "fixed" } else { "per_item" };
            return Err(notes.error(&path(field), format!("`{field}` and `profile` both say how long a batch takes")));
        }
        Some(wanted) => profile(notes, &path("profile"), wanted)?.config(),
        None => explicit(notes, &path, given)?,
    };
    let measured = |ours: &'static str| if given.profile.is_some() { MEASURED } else { ours };
    let max_batch = notes.or(&path("max_batch"), given.max_batch, base.max_batch, measured(TRITON));
    notes.within(&path("max_batch"), u64::from(max_batch), 1, 100_000)?;
    let items = notes.or(&path("items_per_request"), given.items_per_request, 1, "one item a request");
    notes.within(&path("items_per_request"), u64::from(items), 1, u64::from(max_batch))?;
    let instances = notes.or(&path("instances"), given.instances, base.instances, measured(TRITON));
    notes.within(&path("instances"), u64::from(instances), 1, 1_000)?;
    let ahead = notes.or(&path("formed_ahead"), given.formed_ahead, base.formed_ahead, measured(PREFETCH));
    notes.within(&path("formed_ahead"), u64::from(ahead), 0, 100)?;
    let host = given.host_per_item;
    let host = notes.or(&path("host_per_item"), host, Duration(base.host_per_item), measured(NO_STAGE));
    let overhead = notes.or(&path("overhead"), given.overhead, Duration(base.overhead), measured(NO_STAGE));
    Ok(BatchConfig {
        max_batch,
        items_per_request: items,
        max_delay: notes.or(&path("queue_delay"), given.queue_delay, Duration(SimDuration::ZERO), TRITON).get(),
        preferred: preferred(notes, &path("preferred"), given, items, max_batch)?,
        instances,
        formed_ahead: ahead,
        sharing_ppm: sharing(notes, &path("sharing"), given, base.sharing_ppm, measured(SERIAL))?,
        time: base.time,
        host_per_item: host.get(),
        overhead: overhead.get(),
    })
}

fn profile(notes: &Notes<'_>, path: &str, wanted: &str) -> Result<&'static BatchProfile, Diagnostic> {
    let shipped = batch::shipped()?;
    shipped.iter().find(|profile| profile.name == wanted).ok_or_else(|| {
        let error = notes.error(path, format!("there is no profile `{wanted}`"));
        let names = shipped.iter().map(|profile| profile.name.as_str());
        match nearest(wanted, names) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help(format!("the {} profiles are listed in docs/batching.md", shipped.len())),
        }
    })
}

/// The affine law of a scenario without a profile.
fn explicit(
    notes: &Notes<'_>,
    path: &impl Fn(&str) -> String,
    given: &DynamicBatch,
) -> Result<BatchConfig, Diagnostic> {
    let (Some(fixed), Some(per_item), Some(max_batch)) = (given.fixed, given.per_item, given.max_batch) else {
        let error = notes.error(&path("profile"), "it is not said how long a batch takes");
        return Err(error.with_help("give a `profile`, or all of `max_batch`, `fixed` and `per_item`"));
    };
    let time = BatchTime::affine(fixed.get(), per_item.get());
    if time.of(1).is_zero() {
        return Err(notes.error(&path("fixed"), "a batch takes no time: `fixed` and `per_item` are both zero"));
    }
    Ok(BatchConfig::plain(max_batch, time))
}

fn preferred(
    notes: &mut Notes<'_>,
    path: &str,
    given: &DynamicBatch,
    items: u32,
    max_batch: u32,
) -> Result<Vec<u32>, Diagnostic> {
    let Some(sizes) = &given.preferred else {
        notes.default(path, "[]", TRITON, false);
        return Ok(Vec::new());
    };
    notes.given(path, "");
    for &size in sizes {
        notes.within(path, u64::from(size), u64::from(items), u64::from(max_batch))?;
    }
    let mut sizes = sizes.clone();
    sizes.sort_unstable();
    Ok(sizes)
}

fn sharing(
    notes: &mut Notes<'_>,
    path: &str,
    given: &DynamicBatch,
    base_ppm: u32,
    source: &'static str,
) -> Result<u32, Diagnostic> {
    const MOST: f64 = 1_000.0;
    let sharing = notes.or(path, given.sharing.map(Positive::get), f64::from(base_ppm) / 1e6, source);
    if !(1e-3..=MOST).contains(&sharing) {
        return Err(notes.error(path, format!("`sharing` is {sharing}; expected from 0.001 to {MOST}")));
    }
    Ok((sharing * 1e6).round() as u32)
}
