//! The Knative Pod Autoscaler.

use super::context::{ACTIVATOR, Context, NO_MAXIMUM, Reader};
use crate::autoscaler::place::Scaling;
use crate::autoscaler::resolved::Make;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::knative;
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: knative::KIND, policies: knative::POLICIES, read: kpa };

fn kpa(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("a Knative revision", &["name", "faithful"])?;
    let read = cx.read(knative::manifest::read(&cx.file.bytes, cx.given.name.as_deref()))?;
    cx.warn(&read.warnings);
    cx.check_target(&read.name);
    let room = cx.service.config.discipline.room();
    let limit = read.container_concurrency;
    if limit > 0 && limit != room {
        cx.notes.warn(format!(
            "{}: containerConcurrency is {limit}, and a replica of `{}` takes {room} at once: what a pod takes is `serving`'s",
            cx.file.shown, cx.service.config.name
        ));
    }
    let quirks = if cx.faithful() { knative::Quirks::FAITHFUL } else { knative::Quirks::FIXED };
    let options = knative::KnativeOptions { quirks, phase: cx.phase(), ..read.options(cx.target) };
    let bounds = &read.revision.bounds;
    let (min, max) = (bounds.min.max(0).unsigned_abs(), bounds.max.max(0).unsigned_abs());
    let max = if max == 0 { NO_MAXIMUM } else { max };
    let initial = read.revision.initial_scale.max(bounds.min).max(0).unsigned_abs();
    let make: Make = Arc::new(move |making| {
        let options = knative::KnativeOptions { target: making.target, ..options.clone() };
        Ok(vec![knative::KnativeKpa::new(options).boxed()])
    });
    let name = format!("knative/{}", read.name);
    cx.done(name, (min, max), (initial, "`initial-scale` of the revision"), ACTIVATOR, make)
}
