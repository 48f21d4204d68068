//! AWS Application Auto Scaling.

use super::context::{Context, NO_MAXIMUM, REFUSED, Reader, refused};
use crate::autoscaler::place::{Scaling, one};
use crate::autoscaler::resolved::Make;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::aws;
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: aws::KIND, policies: aws::POLICIES, read: application };

fn application(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("Application Auto Scaling", &["min", "max"])?;
    let mut read = cx.read(aws::manifest::read_bytes(&cx.file.bytes))?;
    cx.warn(&read.warnings);
    bounds(cx, &mut read)?;
    let mut options = aws::AwsOptions::new(read.target.resource_id.clone(), cx.target);
    options.bindings = cx.bindings.clone();
    options.phase = cx.phase();
    options.requests = requests(cx);
    if !read.actions.is_empty() {
        options.clock = cx.clock.read(cx.notes);
        options.actions = read.actions;
    }
    // A schedule may raise the maximum.
    let highest =
        options.actions.iter().filter_map(|action| action.max_capacity).fold(read.target.max_capacity, u32::max);
    let bounds = (read.target.min_capacity, highest);
    let name = format!("aws/{}", read.target.resource_id);
    let (target, policies) = (read.target, read.policies);
    let make: Make = Arc::new(move |making| {
        let options = aws::AwsOptions { target: making.target, ..options.clone() };
        one(aws::AppAutoScaling::new(target.clone(), policies.clone(), &options).map_err(refused))
    });
    cx.done(name, bounds, (bounds.0, "`MinCapacity` of the target"), REFUSED, make)
}

/// Bounds of a file that holds no scalable target: as the scenario says, or assumed.
fn bounds(cx: &mut Context<'_, '_>, read: &mut aws::manifest::Manifest) -> Result<(), Diagnostic> {
    let (min, max) = (cx.given.min, cx.given.max);
    if !read.without_target {
        return match (min, max) {
            (None, None) => Ok(()),
            _ => Err(cx
                .notes
                .error(&cx.path, "`min` and `max` are for a file without a scalable target: this one has its own")),
        };
    }
    let target = &mut read.target;
    "the-service".clone_into(&mut target.resource_id);
    let source = "the file holds no scalable target: put what register-scalable-target takes beside it";
    target.min_capacity = cx.notes.or(&format!("{}.min", cx.path), min, 1, source);
    target.max_capacity = cx.notes.or(&format!("{}.max", cx.path), max, NO_MAXIMUM, source);
    if target.min_capacity > target.max_capacity {
        return Err(cx.notes.error(&format!("{}.min", cx.path), "`min` is above `max`"));
    }
    if min.is_none() || max.is_none() {
        let (file, low, high) = (&cx.file.shown, target.min_capacity, target.max_capacity);
        cx.notes.warn(format!("{file}: it holds no scalable target: {low} to {high} are assumed; write `Manifest(path: ..., min: 1, max: 8)`"));
    }
    Ok(())
}

/// What the containers request, all together.
fn requests(cx: &Context<'_, '_>) -> aws::Requests {
    let milli = |name: &str| {
        let each = cx.containers.iter().filter_map(|container| container.requests.get(name));
        let sum: i64 = each.sum();
        (sum > 0).then_some(sum as f64 / 1_000.0)
    };
    aws::Requests { cores: milli("cpu"), memory_bytes: milli("memory") }
}
