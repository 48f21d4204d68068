//! The Dynamo planner.

use super::context::{Context, NO_MAXIMUM, OUTSIDE, Reader, refused};
use crate::autoscaler::place::{Scaling, one};
use crate::autoscaler::resolved::Make;
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::dynamo;
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: dynamo::KIND, policies: dynamo::POLICIES, read: planner };

fn planner(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("a Dynamo planner", &[])?;
    let config = cx.read(dynamo::config::read(&cx.file.bytes))?;
    cx.warn(&config.warnings);
    if config.mode.has_prefill() {
        let error = cx.refused("this planner scales prefill engines apart from decode engines, which is not modelled");
        return Err(error.with_help("`mode: agg` scales engines that do both"));
    }
    let Discipline::ContinuousBatch(engine) = &cx.service.config.discipline else {
        let name = &cx.service.config.name;
        return Err(cx.refused(format!("a Dynamo planner scales token-level engines, and `{name}` serves no tokens")));
    };
    let engines = dynamo::Engines {
        target: cx.target,
        context_length: Some(engine.longest_context() as f64),
        max_kv_tokens: Some(engine.cache_tokens() as f64),
        gpus: cx.service.config.gpus_per_group,
    };
    let least = config.budget.min_endpoint;
    let gpus = config.decode_gpus.unwrap_or(engines.gpus).max(1);
    let most = config.budget.max_gpus.map_or(NO_MAXIMUM, |gpus_in_all| gpus_in_all / gpus);
    let name = cx.service.config.name.to_string();
    let options =
        dynamo::DynamoOptions { name: name.clone(), config, prefill: None, decode: Some(engines), phase: cx.phase() };
    let make: Make = Arc::new(move |_| one(dynamo::DynamoPlanner::new(options.clone()).map_err(refused)));
    let initial = (least.max(1), "`min_endpoint` of the planner");
    cx.done(format!("dynamo/{name}"), (least, most.max(least)), initial, OUTSIDE, make)
}
