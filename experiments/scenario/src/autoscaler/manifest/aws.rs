//! AWS Application Auto Scaling.

use super::context::{Context, REFUSED, Reader, refused};
use crate::autoscaler::place::{Scaling, one};
use crate::autoscaler::resolved::Make;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::autoscalers::aws;
use std::sync::Arc;

pub(super) const KIND: Reader = Reader { kind: aws::KIND, policies: aws::POLICIES, read: application };

fn application(cx: &mut Context<'_, '_>) -> Result<Scaling, Diagnostic> {
    cx.only("Application Auto Scaling", &[])?;
    let read = cx.read(aws::manifest::read_bytes(&cx.file.bytes))?;
    cx.warn(&read.warnings);
    let mut options = aws::AwsOptions::new(read.target.resource_id.clone(), cx.target);
    options.bindings = cx.bindings.clone();
    options.phase = cx.phase();
    let bounds = (read.target.min_capacity, read.target.max_capacity);
    let name = format!("aws/{}", read.target.resource_id);
    let (target, policies) = (read.target, read.policies);
    let make: Make = Arc::new(move |making| {
        let options = aws::AwsOptions { target: making.target, ..options.clone() };
        one(aws::AppAutoScaling::new(target.clone(), policies.clone(), &options).map_err(refused))
    });
    cx.done(name, bounds, (bounds.0, "`MinCapacity` of the target"), REFUSED, make)
}
