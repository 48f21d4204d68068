//! Manifests of autoscalers other than the HPA: read as they run in production, and made into
//! controllers.

use crate::autoscaler::resolved::{Make, MakeError, ResolvedAutoscaler};
use crate::errors::manifest_error;
use crate::files::Input;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::ports::{Autoscaler, Controller, SignalRequest, TargetId};
use flashcrowd_core::serving::{Discipline, QueueMode};
use flashcrowd_language::units::Duration;
use flashcrowd_language::{Diagnostic, list};
use flashcrowd_policies::autoscalers::hpa::Container;
use flashcrowd_policies::autoscalers::{aibrix, aws, dynamo, keda, knative, ray_serve, skyserve, wva};
use flashcrowd_policies::manifest::{Kind, ManifestError, ManifestWarning};
use flashcrowd_policies::metrics::MetricBinding;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

/// What a manifest is resolved for.
pub(crate) struct Context<'n, 'd> {
    pub(crate) notes: &'n mut Notes<'d>,
    /// Path of the autoscaler in the scenario.
    pub(crate) path: String,
    pub(crate) given: &'n spec::Manifest,
    pub(crate) file: &'n Input,
    pub(crate) service: &'n ResolvedService,
    /// Names of all services, by position.
    pub(crate) services: &'n [&'n str],
    pub(crate) target: TargetId,
    /// The user's own bindings of metric names.
    pub(crate) bindings: BTreeMap<String, MetricBinding>,
    pub(crate) containers: Vec<Container>,
}

/// What a manifest came to.
pub(crate) struct Scaled {
    pub(crate) autoscaler: ResolvedAutoscaler,
    /// Replicas that there are at first, and why.
    pub(crate) initial: (u32, &'static str),
    /// Requests that wait while no replica is ready, and who holds them.
    pub(crate) at_zero: (u32, &'static str),
}

/// The activator's queue for a revision (`pkg/activator/net/throttler.go`).
pub(crate) const ACTIVATOR: (u32, &str) = (10_000, "Knative's activator holds 10,000 requests of a revision");
/// A Ray Serve handle without `max_queued_requests`.
pub(crate) const HANDLE: (u32, &str) = (u32::MAX, "Ray Serve's handles queue without limit");
/// `SkyServe`'s load balancer, and a Kubernetes Service without endpoints.
pub(crate) const REFUSED: (u32, &str) = (0, "a load balancer without replicas refuses");
const OUTSIDE: (u32, &str) = (u32::MAX, "a queue outside holds them without limit: nothing in the manifest says so");

type Resolved = Result<Scaled, Diagnostic>;

/// Reads a manifest of that kind.
pub(crate) fn resolve(cx: &mut Context<'_, '_>, kind: Kind) -> Resolved {
    match kind {
        Kind::Hpa => Err(cx.notes.error(&cx.path, "an HPA is resolved by itself")),
        Kind::ScaledObject => scaled_object(cx),
        Kind::ScaledJob => scaled_job(cx),
        Kind::Knative => kpa(cx),
        Kind::RayServe => ray(cx),
        Kind::SkyServe => sky(cx),
        Kind::PodAutoscaler => pod_autoscaler(cx),
        Kind::VariantAutoscaling => variants(cx),
        Kind::DynamoPlanner => planner(cx),
        Kind::ApplicationAutoScaling => application(cx),
    }
}

impl Context<'_, '_> {
    fn read<T>(&self, read: Result<T, ManifestError>) -> Result<T, Diagnostic> {
        read.map_err(|error| manifest_error(&self.file.shown, &error))
    }

    fn refused(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::about(&self.file.shown, message)
    }

    fn warn(&mut self, warnings: &[ManifestWarning]) {
        for ManifestWarning { line, column, path, message } in warnings {
            self.notes.warn(format!("{}:{line}:{column}: {path}: {message}", self.file.shown));
        }
    }

    /// The name of what a manifest scales may differ from the service's.
    fn check_target(&mut self, scales: &str) {
        if scales != base_name(&self.service.config.name) {
            let (file, name) = (&self.file.shown, &self.service.config.name);
            self.notes.warn(format!("{file}: scales `{scales}`, here it is applied to the service `{name}`"));
        }
    }

    fn phase(&mut self) -> Option<SimDuration> {
        let phase = self.given.phase.map(Duration::get);
        if phase.is_some() {
            self.notes.given(&format!("{}.phase", self.path), "");
        }
        phase
    }

    fn faithful(&mut self) -> bool {
        let path = format!("{}.faithful", self.path);
        self.notes.or(&path, self.given.faithful, true, "upstream's quirks are kept")
    }

    /// Settings of the scenario that only other kinds have.
    fn only(&self, kind: &str, allowed: &[&str]) -> Result<(), Diagnostic> {
        let given = self.given;
        let all = [
            ("name", given.name.is_some()),
            ("variant", given.variant.is_some()),
            ("sync_period", given.sync_period.is_some()),
            ("tolerance", given.tolerance.is_some()),
            ("downscale_stabilization", given.downscale_stabilization.is_some()),
            ("cpu_initialization_period", given.cpu_initialization_period.is_some()),
            ("initial_readiness_delay", given.initial_readiness_delay.is_some()),
            ("scale_to_zero", given.scale_to_zero.is_some()),
            ("faithful", given.faithful.is_some()),
            ("delay_clock", given.delay_clock.is_some()),
        ];
        match all.into_iter().find(|(field, given)| *given && !allowed.contains(field)) {
            Some((field, _)) => {
                let message = format!("`{field}` has no meaning for {kind}");
                Err(self.notes.error(&format!("{}.{field}", self.path), message))
            }
            None => Ok(()),
        }
    }

    fn done(
        &mut self,
        name: String,
        bounds: (u32, u32),
        initial: (u32, &'static str),
        at_zero: (u32, &'static str),
        make: Make,
    ) -> Resolved {
        self.notes.manifest(
            &format!("{}.replicas", self.path),
            &format!("{} to {}", bounds.0, bounds.1),
            self.file.shown.clone(),
        );
        let made = ResolvedAutoscaler::new(name, Some(bounds), self.target, make);
        let autoscaler = made.map_err(|error| self.refused(error.to_string()))?;
        for request in autoscaler.signals.clone() {
            self.check_signal(&request)?;
            let text = format!("{} = {:?} every {}", request.name, request.source, request.pipeline.scrape_period);
            self.notes.manifest(&format!("{}.metrics", self.path), &text, self.file.shown.clone());
        }
        Ok(Scaled { autoscaler, initial, at_zero })
    }

    /// A metric of something that the service does not have would be 0 for ever.
    fn check_signal(&self, request: &SignalRequest) -> Result<(), Diagnostic> {
        let tokens = matches!(self.service.config.discipline, Discipline::ContinuousBatch(_));
        if tokens || !request.source.is_of_tokens() {
            return Ok(());
        }
        let (metric, name) = (&request.name, &self.service.config.name);
        let error = self
            .refused(format!("the metric `{metric}` is one of a token-level engine, and `{name}` serves no tokens"));
        Err(error.with_help("serve it with `serving: ContinuousBatch()`, or bind the name to another signal"))
    }
}

/// A policy of one controller.
fn one<P: Autoscaler + 'static, E: Display>(made: Result<Controller<P>, E>) -> Result<Vec<Controller>, MakeError> {
    match made {
        Ok(controller) => Ok(vec![controller.boxed()]),
        Err(error) => Err(MakeError::Refused(error.to_string())),
    }
}

fn several<E: Display>(errors: &[E]) -> MakeError {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    MakeError::Refused(texts.join("; "))
}

fn keda_options(cx: &mut Context<'_, '_>, quirks: keda::Quirks) -> keda::KedaOptions {
    let mut options = keda::KedaOptions::new(cx.target);
    options.bindings = cx.bindings.clone();
    options.quirks = quirks;
    options.containers.clone_from(&cx.containers);
    options.hpa_phase = cx.phase();
    if let Some(period) = cx.given.sync_period {
        cx.notes.given(&format!("{}.sync_period", cx.path), "");
        options.hpa_sync_period = period.get();
    }
    options
}

fn scaled_object(cx: &mut Context<'_, '_>) -> Resolved {
    cx.only("a ScaledObject", &["name", "sync_period", "faithful"])?;
    let read = cx.read(keda::manifest::read_scaled_object(&cx.file.bytes, cx.given.name.as_deref()))?;
    cx.warn(&read.warnings);
    let object = read.object;
    cx.check_target(&object.target.name);
    let quirks = if cx.faithful() { keda::Quirks::default() } else { keda::Quirks::FIXED };
    let options = keda_options(cx, quirks);
    let (min, max) = (object.min_replica_count.unwrap_or(0), object.max_replica_count.unwrap_or(100));
    let name = format!("keda/{}", object.name);
    let make: Make = Arc::new(move |making| {
        let options = keda::KedaOptions { target: making.target, ..options.clone() };
        object.controllers(&options).map(keda::Controllers::boxed).map_err(|errors| several(&errors))
    });
    cx.done(name, (min, max), (min, "`minReplicaCount` of the manifest"), OUTSIDE, make)
}

fn scaled_job(cx: &mut Context<'_, '_>) -> Resolved {
    cx.only("a ScaledJob", &["name", "faithful"])?;
    let read = cx.read(keda::manifest::read_scaled_job(&cx.file.bytes, cx.given.name.as_deref()))?;
    cx.warn(&read.warnings);
    let job = read.job;
    let quirks = if cx.faithful() { keda::Quirks::default() } else { keda::Quirks::FIXED };
    let options = keda_options(cx, quirks);
    let name = format!("keda/{}", job.name);
    let max = job.rules.max_replica_count.unwrap_or(100);
    let make: Make = Arc::new(move |making| {
        let options = keda::KedaOptions { target: making.target, ..options.clone() };
        job.controller(&options).map_err(|errors| several(&errors)).map(|jobs| vec![jobs.boxed()])
    });
    cx.done(name, (0, max), (0, "jobs are created for what waits"), OUTSIDE, make)
}

fn kpa(cx: &mut Context<'_, '_>) -> Resolved {
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

/// Where a manifest sets no maximum: for estimates of memory; the fleet is the limit.
const NO_MAXIMUM: u32 = 1_000;

fn ray(cx: &mut Context<'_, '_>) -> Resolved {
    cx.only("Ray Serve", &["name", "faithful", "delay_clock"])?;
    let read = cx.read(ray_serve::manifest::read_bytes(&cx.file.bytes, cx.given.name.as_deref()))?;
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
        one(ray_serve::RayServe::new(config.clone(), &options))
    });
    let name = format!("ray-serve/{}", read.name);
    cx.done(name, bounds, (initial, "`initial_replicas`, or `min_replicas`, of the config"), HANDLE, make)
}

fn sky(cx: &mut Context<'_, '_>) -> Resolved {
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
    let max = policy.max_replicas.unwrap_or(min).saturating_add(extra);
    let make: Make = Arc::new(move |making| {
        let options = skyserve::SkyServeOptions { target: making.target, ..options.clone() };
        one(skyserve::SkyServe::new(policy.clone(), &options))
    });
    let initial = (0, "SkyServe launches its first replicas itself");
    cx.done(format!("skyserve/{name}"), (min, max), initial, REFUSED, make)
}

fn pod_autoscaler(cx: &mut Context<'_, '_>) -> Resolved {
    cx.only("a PodAutoscaler", &["name", "faithful"])?;
    let read = cx.read(aibrix::manifest::read(&cx.file.bytes, cx.given.name.as_deref()))?;
    cx.warn(&read.warnings);
    cx.check_target(&read.target.1);
    let bound = aibrix::bind(&read, &cx.bindings).map_err(|error| cx.refused(error.to_string()))?;
    let quirks = if cx.faithful() { aibrix::Quirks::FAITHFUL } else { aibrix::Quirks::FIXED };
    let (min, max) =
        (read.settings.min_replicas.max(0).unsigned_abs(), read.settings.max_replicas.max(0).unsigned_abs());
    let name = format!("aibrix/{}", read.name);
    let mut options = aibrix::AibrixOptions::new(read, cx.target, bound);
    options.quirks = quirks;
    options.phase = cx.phase();
    let make: Make = Arc::new(move |making| {
        let options = aibrix::AibrixOptions { target: making.target, ..options.clone() };
        Ok(vec![aibrix::Aibrix::new(options).boxed()])
    });
    cx.done(name, (min, max), (min.max(1), "`minReplicas` of the manifest"), OUTSIDE, make)
}

/// The target of each variant: the service of its deployment's name, or this one where there is one.
fn variants(cx: &mut Context<'_, '_>) -> Resolved {
    cx.only("VariantAutoscalings", &["name"])?;
    let model = cx.read(wva::manifest::read(&cx.file.bytes, cx.given.name.as_deref()))?;
    cx.warn(&model.warnings);
    let mut targets = BTreeMap::new();
    for variant in &model.variants {
        let found = cx.services.iter().position(|name| *name == variant.target);
        let target = match found {
            Some(position) => TargetId(position as u32),
            None if model.variants.len() == 1 => cx.target,
            None => {
                let message =
                    format!("the variant `{}` scales `{}`, and there is no such service", variant.name, variant.target);
                return Err(cx.refused(message).with_help(format!("expected {}", list(cx.services.iter().copied()))));
            }
        };
        targets.insert(variant.name.clone(), target);
    }
    let (min, max) = model.variants.first().map_or((1, NO_MAXIMUM), |variant| {
        (variant.min_replicas.unwrap_or(1), variant.max_replicas.unwrap_or(NO_MAXIMUM))
    });
    let name = format!("wva/{}", model.id);
    let mut options = wva::WvaOptions::new(model, targets);
    options.phase = cx.phase();
    let make: Make = Arc::new(move |_| one(wva::Wva::new(options.clone())));
    cx.done(name, (min, max), (min.max(1), "`minReplicas` of the variant"), OUTSIDE, make)
}

fn planner(cx: &mut Context<'_, '_>) -> Resolved {
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
    let make: Make = Arc::new(move |_| one(dynamo::DynamoPlanner::new(options.clone())));
    let initial = (least.max(1), "`min_endpoint` of the planner");
    cx.done(format!("dynamo/{name}"), (least, most.max(least)), initial, OUTSIDE, make)
}

fn application(cx: &mut Context<'_, '_>) -> Resolved {
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
        one(aws::AppAutoScaling::new(target.clone(), policies.clone(), &options))
    });
    cx.done(name, bounds, (bounds.0, "`MinCapacity` of the target"), REFUSED, make)
}

/// The gateway of a service with so much room while no replica is ready.
pub(crate) fn with_gateway(queue: QueueMode, room: u32) -> QueueMode {
    match queue {
        QueueMode::PerReplica { capacity, .. } => QueueMode::PerReplica { capacity, gateway: room },
        shared @ QueueMode::Shared { .. } => shared,
    }
}

/// The name of a service without the region of its copy.
pub(crate) fn base_name(service: &str) -> &str {
    service.split_once('@').map_or(service, |(name, _)| name)
}
