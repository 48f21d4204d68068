//! The tests of the policies, in one program: each file is a topic.

mod baselines;
mod by_the_clock;
mod family_autoscalers;
mod family_rules;
mod hpa_autoscaler;
mod hpa_manifest;
mod hpa_versions;
mod keda_manifest;
mod keda_triggers;
mod knative_autoscaler;
mod knative_manifest;
mod kserve_manifest;
mod llm_autoscaler_manifests;
mod llm_autoscalers;
mod ray_llm_manifest;
mod ray_sky_aws_manifest;
mod support;
