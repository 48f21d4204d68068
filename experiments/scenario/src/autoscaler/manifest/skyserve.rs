//! `SkyServe`.

use super::context::{Context, REFUSED, Reader, refused};
use crate::autoscaler::place::{Scaling, one};
use crate::autoscaler::resolved::Make;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::skyserve;
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: skyserve::KIND, policies: skyserve::POLICIES, read: sky };

/// Jobs of a pool without workers.
const QUEUED: (u32, &str) = (u32::MAX, "a pool's jobs wait in the controller's queue without limit");

fn sky(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("SkyServe", &["faithful"])?;
    let read = cx.read(skyserve::manifest::read_bytes(&cx.file.bytes))?;
    cx.warn(&read.warnings);
    let name = read.name.clone().unwrap_or_else(|| cx.service.config.name.to_string());
    let mut options = skyserve::SkyServeOptions::new(name.clone(), cx.target);
    options.quirks = if cx.faithful() { skyserve::Quirks::default() } else { skyserve::Quirks::FIXED };
    options.phase = cx.phase().or(options.phase);
    let policy = read.policy;
    let extra = policy.num_overprovision.unwrap_or(0);
    let min = policy.min_replicas;
    let is_pool = policy.pool;
    let max = policy.max_replicas.unwrap_or(min).saturating_add(extra);
    let make: Make = Arc::new(move |making| {
        let options = skyserve::SkyServeOptions { target: making.target, ..options.clone() };
        one(skyserve::SkyServe::new(policy.clone(), &options).map_err(refused))
    });
    let initial = (0, "SkyServe launches its first replicas itself");
    let at_zero = if is_pool { QUEUED } else { REFUSED };
    cx.done(format!("skyserve/{name}"), (min, max), initial, at_zero, make)
}
