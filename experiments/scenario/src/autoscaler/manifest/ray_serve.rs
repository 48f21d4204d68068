//! Ray Serve.

use super::context::{Context, HANDLE, Reader, refused};
use crate::autoscaler::place::{Scaling, one};
use crate::autoscaler::resolved::Make;
use flashcrowd_core::fleet::ScaleDownOrder;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::ray_serve;
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: ray_serve::KIND, policies: ray_serve::POLICIES, read: ray };

fn ray(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("Ray Serve", &["name", "faithful", "delay_clock"])?;
    let read = cx.read(ray_serve::manifest::read_bytes(&cx.file.bytes, cx.name.as_deref()))?;
    cx.warn(&read.warnings);
    let quirks = if cx.faithful() { ray_serve::Quirks::default() } else { ray_serve::Quirks::FIXED };
    let clock = cx.given.delay_clock.as_deref().unwrap_or("wall");
    let delay_clock = ray_serve::DelayClock::from_name(clock).ok_or_else(|| {
        let error = cx.notes.error(&format!("{}.delay_clock", cx.path), format!("there is no delay clock `{clock}`"));
        error.with_label("expected wall or ticks")
    })?;
    let settings = ray_serve::Settings { target_capacity_percent: read.target_capacity_percent, delay_clock, quirks };
    let mut options = ray_serve::RayServeOptions::new(read.name.clone(), cx.target);
    options.settings = settings;
    options.phase = cx.phase().or(options.phase);
    let config = read.config;
    let initial = config.initial_replicas.unwrap_or(config.min_replicas);
    let bounds = (config.min_replicas, config.max_replicas);
    let make: Make = Arc::new(move |making| {
        let options = ray_serve::RayServeOptions { target: making.target, ..options.clone() };
        one(ray_serve::RayServe::new(config.clone(), &options).map_err(refused))
    });
    let name = format!("ray-serve/{}", read.name);
    let initial = match read.is_fixed {
        true => (initial, "`num_replicas` of the config"),
        false => (initial, "`initial_replicas`, or `min_replicas`, of the config"),
    };
    let scaling = cx.done(name, bounds, initial, HANDLE, make)?;
    Ok(Scaling { order: (ScaleDownOrder::SparsestNode, "Ray Serve empties the sparsest node first"), ..scaling })
}
