//! `AIBrix`'s `PodAutoscaler`.

use super::context::{Context, OUTSIDE, Reader};
use crate::autoscaler::place::Scaling;
use crate::autoscaler::resolved::Make;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::aibrix;
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: aibrix::KIND, policies: aibrix::POLICIES, read: pod_autoscaler };

fn pod_autoscaler(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("a PodAutoscaler", &["name", "faithful"])?;
    let read = cx.read(aibrix::manifest::read(&cx.file.bytes, cx.name.as_deref()))?;
    cx.warn(&read.warnings);
    cx.check_target(&read.target.1);
    let (bound, zeros) = aibrix::bind(&read, &cx.bindings).map_err(|error| cx.refused(error.to_string()))?;
    for zero in zeros {
        cx.notes.warn(format!("{}: {zero}", cx.file.shown));
    }
    let quirks = if cx.faithful() { aibrix::Quirks::FAITHFUL } else { aibrix::Quirks::FIXED };
    let (min, max) =
        (read.settings.min_replicas.max(0).unsigned_abs(), read.settings.max_replicas.max(0).unsigned_abs());
    let name = format!("aibrix/{}", read.name);
    let by_clock = !read.schedules.is_empty();
    let mut options = aibrix::AibrixOptions::new(read, cx.target, bound);
    options.quirks = quirks;
    options.phase = cx.phase();
    if by_clock {
        options.clock = cx.clock.read(cx.notes);
    }
    let make: Make = Arc::new(move |making| {
        let options = aibrix::AibrixOptions { target: making.target, ..options.clone() };
        Ok(vec![aibrix::Aibrix::new(options).boxed()])
    });
    cx.done(name, (min, max), (min.max(1), "`minReplicas` of the manifest"), OUTSIDE, make)
}
