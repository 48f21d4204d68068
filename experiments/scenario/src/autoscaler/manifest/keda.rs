//! KEDA: `ScaledObject` with its HPA, and `ScaledJob`.

use super::context::{Context, OUTSIDE, Reader, several};
use crate::autoscaler::place::Scaling;
use crate::autoscaler::resolved::Make;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::keda;
use std::sync::Arc;

pub(super) const OBJECT: Reader = Reader { kind: keda::SCALED_OBJECT, policies: keda::POLICIES, read: scaled_object };

pub(super) const JOB: Reader = Reader { kind: keda::SCALED_JOB, policies: &[], read: scaled_job };

fn keda_options(cx: &mut Context<'_, '_>, triggers: &[keda::Trigger], quirks: keda::Quirks) -> keda::KedaOptions {
    let mut options = keda::KedaOptions::new(cx.target);
    options.bindings = cx.bindings.clone();
    options.quirks = quirks;
    options.containers.clone_from(&cx.containers);
    options.hpa_phase = cx.phase();
    if triggers.iter().any(|trigger| trigger.window.is_some()) {
        options.clock = cx.clock.read(cx.notes);
    }
    if let Some(period) = cx.given.sync_period {
        cx.notes.given(&format!("{}.sync_period", cx.path), "");
        options.hpa_sync_period = period.get();
    }
    options
}

fn scaled_object(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("a ScaledObject", &["name", "sync_period", "faithful"])?;
    let read = cx.read(keda::manifest::read_scaled_object(&cx.file.bytes, cx.name.as_deref()))?;
    cx.warn(&read.warnings);
    scale(cx, read.object)
}

/// Makes the controllers of a `ScaledObject`, whoever wrote it.
pub(super) fn scale(cx: &mut Context<'_, '_>, object: keda::ScaledObject) -> Result<Scaling, Diagnostic> {
    cx.check_target(&object.target.name);
    let quirks = if cx.faithful() { keda::Quirks::default() } else { keda::Quirks::FIXED };
    let options = keda_options(cx, &object.triggers, quirks);
    let (min, max) = (object.min_replica_count.unwrap_or(0), object.max_replica_count.unwrap_or(100));
    let name = format!("keda/{}", object.name);
    check_triggers(cx, &object.triggers)?;
    let make: Make = Arc::new(move |making| {
        let options = keda::KedaOptions { target: making.target, ..options.clone() };
        object.controllers(&options).map(keda::Controllers::boxed).map_err(|errors| several(&errors))
    });
    cx.done(name, (min, max), (min, "`minReplicaCount` of the manifest"), OUTSIDE, make)
}

fn scaled_job(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("a ScaledJob", &["name", "faithful"])?;
    let read = cx.read(keda::manifest::read_scaled_job(&cx.file.bytes, cx.name.as_deref()))?;
    cx.warn(&read.warnings);
    let job = read.job;
    let quirks = if cx.faithful() { keda::Quirks::default() } else { keda::Quirks::FIXED };
    let options = keda_options(cx, &job.triggers, quirks);
    let name = format!("keda/{}", job.name);
    let max = job.rules.max_replica_count.unwrap_or(100);
    check_triggers(cx, &job.triggers)?;
    let make: Make = Arc::new(move |making| {
        let options = keda::KedaOptions { target: making.target, ..options.clone() };
        job.controller(&options).map_err(|errors| several(&errors)).map(|jobs| vec![jobs.boxed()])
    });
    cx.done(name, (0, max), (0, "jobs are created for what waits"), OUTSIDE, make)
}

/// Refuses triggers without a signal where they stand, with the line to write.
fn check_triggers(cx: &Context<'_, '_>, triggers: &[keda::Trigger]) -> Result<(), Diagnostic> {
    for (index, trigger) in triggers.iter().enumerate().filter(|(_, trigger)| trigger.window.is_none()) {
        let Err(error) = keda::bind_trigger(trigger, index, &cx.bindings) else { continue };
        let (line, column) = trigger.place;
        let mut refused = cx.refused(error.to_string());
        (refused.line, refused.column) = (line, column);
        let key = error.key().unwrap_or_default();
        let service = &cx.service.config.name;
        let help = format!(
            "in the scenario: `services.{service}.bind: {{\"{key}\": WaitingRequests}}`; `flashcrowd signals` lists what there is"
        );
        return Err(refused.with_help(help));
    }
    Ok(())
}
