//! The summary of a run: one JSON object whose form is the same for every scenario. Its schema is made
//! from the types that stand here, its figures come from the catalogue.

mod form;

pub use form::{
    Cells, Cost, Counts, EngineSummary, Input, MarketSummary, MeasuredCounts, Percentiles, Quantiles, Replicas,
    RouteClient, RouteSummary, ServiceSummary, SloResult, Summary, Tokens, Training, Trust, Work,
};

use crate::break_even::spot_usd_per_h;
use crate::figures::{Figures, ScopeFigures};
use crate::part::Distribution;
use crate::run::Run;
use crate::scope::{Group, Scope, ScopeKind, Use};
use crate::spread::Spread;
use crate::verdict::keeps;
use flashcrowd_core::ledger::{ClientRecord, GpuState, ServedRecord};
use flashcrowd_core::serving::Discipline;
use flashcrowd_scenario::Loaded;
use flashcrowd_scenario::{Resolved, SettingOrigin};
use std::collections::BTreeMap;

/// The commit that the program was built from.
pub const COMMIT: &str = env!("FLASHCROWD_COMMIT");

/// Version of the form.
pub const SCHEMA: &str = "flashcrowd/summary/2";

/// What results lean on without the scenario saying so.
pub fn assumed(resolved: &Resolved) -> Vec<String> {
    let defaults = resolved.settings.iter().filter_map(|setting| match &setting.origin {
        SettingOrigin::Default { source, assumed: true } => {
            Some(format!("{} = {} ({source})", setting.path, setting.value))
        }
        _ => None,
    });
    defaults.collect()
}

/// The summary of one run.
pub fn summary(loaded: &Loaded, run: &Run) -> Summary {
    summary_with(loaded, run, &Figures::of(&loaded.variants[run.variant], run))
}

/// The summary of a run whose figures are known.
pub(crate) fn summary_with(loaded: &Loaded, run: &Run, figures: &Figures) -> Summary {
    let resolved = &loaded.variants[run.variant];
    let record = &run.record;
    let figures = Scopes(figures.scopes.iter().map(|own| (&own.scope, own)).collect());
    let all = Of::within(&figures, &Scope::all());
    let requests = all.counts();
    let per_cpu_s = if run.cpu_s > 0.0 { (requests.arrived as f64 / run.cpu_s).round() } else { 0.0 };
    Summary {
        schema: SCHEMA.to_owned(),
        scenario: loaded.name.clone(),
        variant: resolved.variant.clone(),
        seed: resolved.seed,
        replicate: run.replicate(),
        trial: run.trial.hash(),
        horizon_s: resolved.horizon.as_s_f64(),
        warmup_s: resolved.warmup.as_s_f64(),
        digest: record.digest.clone(),
        engine: Work {
            events: record.work.events,
            requests_per_cpu_s: per_cpu_s,
            cpu_s: run.cpu_s,
            peak_live_requests: record.work.peak_live_requests,
        },
        requests,
        measured: all.measured(),
        services: services(resolved, run, &figures),
        routes: routes(resolved, run, &figures),
        cost: cost(resolved, &figures),
        training: Training::default(),
        trust: Trust {
            late_requests_outside_validated_band: beyond_band(resolved, run),
            assumed: assumed(resolved),
            warnings: crate::warnings::warnings(resolved, record, |scope, id| Of::within(&figures, scope).get(id)),
        },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: COMMIT.to_owned(),
        inputs: inputs(loaded, resolved),
    }
}

/// A trial's figures by scope.
struct Scopes<'a>(BTreeMap<&'a Scope, &'a ScopeFigures>);

/// The figures of one scope of a trial.
struct Of<'a> {
    own: Option<&'a ScopeFigures>,
}

impl<'a> Of<'a> {
    fn within(figures: &Scopes<'a>, scope: &Scope) -> Self {
        Of { own: figures.0.get(scope).copied() }
    }

    fn new(figures: &Scopes<'a>, kind: ScopeKind, name: &str) -> Self {
        Of::within(figures, &Scope::new(kind, name))
    }

    fn get(&self, id: &str) -> Option<f64> {
        self.own?.get(id)
    }

    fn number(&self, id: &str) -> f64 {
        self.get(id).unwrap_or(0.0)
    }

    fn count(&self, id: &str) -> u64 {
        self.number(id).round() as u64
    }

    fn counts(&self) -> Counts {
        Counts {
            arrived: self.count("requests"),
            completed: self.count("completed"),
            rejected: self.count("rejected"),
            expired: self.count("expired"),
            failed: self.count("failed"),
            live_at_end: self.count("live_at_end"),
            attempts: self.count("attempts"),
            dropped_rows: self.count("dropped_rows"),
        }
    }

    fn measured(&self) -> MeasuredCounts {
        MeasuredCounts {
            arrived: self.count("measured"),
            completed: self.count("measured_completed"),
            not_served: self.count("not_served"),
            good: self.count("good"),
        }
    }

    /// The distributions that it has; those without a value have a count of zero.
    fn latencies(&self, tokens: bool) -> BTreeMap<&'static str, Quantiles> {
        let there = Distribution::ALL.into_iter().filter(|of| tokens || !of.part().is_of_tokens());
        let quantiles = there.map(|of| {
            let count = self.own.and_then(|own| own.spread(of)).map_or(0, Spread::total);
            let at = |name: &str| self.get(&format!("{}.{name}", of.name()));
            let quantiles = Quantiles {
                count,
                mean: at("mean"),
                p50: at("p50"),
                p90: at("p90"),
                p95: at("p95"),
                p99: at("p99"),
                p999: at("p999"),
                max: at("max"),
            };
            (of.name(), quantiles)
        });
        quantiles.collect()
    }

    fn slos(figures: &Scopes<'_>, resolved: &Resolved, group: &Group) -> Vec<SloResult> {
        let result = |slo: &flashcrowd_core::serving::Slo| {
            let of = Of::within(figures, &group.slo_scope(slo));
            let attainment = of.get("attainment");
            SloResult {
                metric: Distribution::of(slo.part).name().to_owned(),
                quantile: slo.quantile,
                limit_s: slo.limit.as_s_f64(),
                observed_s: of.get("observed_s"),
                attainment,
                met: keeps(slo, attainment),
                kept: of.count("kept"),
                broken: of.count("broken"),
            }
        };
        group.slos(resolved).iter().map(result).collect()
    }
}

fn services(resolved: &Resolved, run: &Run, figures: &Scopes<'_>) -> BTreeMap<String, ServiceSummary> {
    let of_service = |at: usize| {
        let (config, record) = (&resolved.services[at], &run.record.services[at]);
        let of = Of::new(figures, ScopeKind::Service, &config.config.name);
        let group = Group { name: config.config.name.to_string(), services: vec![at], route: None };
        let tokens = matches!(config.config.discipline, Discipline::ContinuousBatch(_));
        let summary = ServiceSummary {
            requests: of.counts(),
            measured: of.measured(),
            latency_s: of.latencies(tokens),
            slo: Of::slos(figures, resolved, &group),
            attainment: of.get("attainment"),
            replicas: Replicas {
                mean: of.number("replicas_mean"),
                max: of.count("replicas_max"),
                wanted_max: of.count("replicas_wanted_max"),
                ups: of.count("ups"),
                downs: of.count("downs"),
                reversals: of.count("reversals"),
                at_max_s: of.number("at_max_s"),
                availability: of.number("availability"),
                missing_mean: of.number("missing_mean"),
            },
            tokens: Tokens { prompt: of.count("prompt_tokens"), output: of.count("output_tokens") },
            market: MarketSummary {
                preempted: of.count("preempted"),
                spot_orders: of.count("spot_orders"),
                spot_orders_refused: of.count("spot_orders_refused"),
                on_demand_refused: record.capacity.on_demand_refused,
                requeued: of.count("requeued"),
                break_even_spot_usd_per_replica_h: spot_usd_per_h(resolved, run, at),
            },
            engine: engine(&config.config.discipline, record),
        };
        (config.config.name.to_string(), summary)
    };
    (0..resolved.services.len()).map(of_service).collect()
}

/// What a token-level engine did; `None` without one.
fn engine(discipline: &Discipline, record: &flashcrowd_core::ledger::ServiceRecord) -> Option<EngineSummary> {
    let Discipline::ContinuousBatch(engine) = discipline else { return None };
    let work = &record.engine;
    Some(EngineSummary {
        iterations: work.iterations,
        computed_tokens: work.tokens,
        cached_tokens: work.cached_tokens,
        preemptions: work.preemptions,
        kv_cache_tokens: engine.cache_tokens(),
        kv_cache_peak_use: work.peak_blocks as f64 / engine.blocks as f64,
    })
}

/// What each route did: its requests, and by client where it is and who served it.
fn routes(resolved: &Resolved, run: &Run, figures: &Scopes<'_>) -> BTreeMap<String, RouteSummary> {
    let of_route = |(route, at): (&flashcrowd_scenario::ResolvedRoute, u32)| {
        let own = run.record.clients.iter().filter(|client| client.route == Some(at));
        let of = Of::new(figures, ScopeKind::Route, &route.name);
        let services: Vec<usize> = route.cells.iter().map(|&cell| cell as usize).collect();
        let tokens = |&at: &usize| matches!(resolved.services[at].config.discipline, Discipline::ContinuousBatch(_));
        let tokens = services.iter().any(tokens);
        let group = Group { name: route.name.to_string(), services, route: Some(at) };
        let summary = RouteSummary {
            requests: of.counts(),
            measured: of.measured(),
            latency_s: of.latencies(tokens),
            slo: Of::slos(figures, resolved, &group),
            attainment: of.get("attainment"),
            clients: own.map(|client| (client.name.to_string(), client_of_route(resolved, client))).collect(),
            health_changes: run.record.health.iter().filter(|change| change.route == at).count() as u64,
        };
        (route.name.to_string(), summary)
    };
    resolved.routes.iter().zip(0..).map(of_route).collect()
}

fn client_of_route(resolved: &Resolved, client: &ClientRecord) -> RouteClient {
    let cell = |served: &ServedRecord| {
        let count = served.e2e.len();
        let mean_s = (count > 0).then(|| served.e2e_sum_us as f64 / count as f64 / 1e6);
        let cell = Cells {
            attempts: served.attempts,
            completed: served.completed,
            e2e_s: percentiles(&Spread::of_served(served, Distribution::E2e), mean_s),
            ttft_s: percentiles(&Spread::of_served(served, Distribution::Ttft), None),
        };
        (resolved.services[served.service as usize].config.name.to_string(), cell)
    };
    RouteClient {
        origin: client.origin.map(|origin| resolved.regions[origin as usize].name.to_string()),
        requests: Counts {
            arrived: client.requests.arrived,
            completed: client.requests.completed,
            rejected: client.requests.rejected,
            expired: client.requests.expired,
            failed: client.requests.failed,
            live_at_end: client.requests.live_at_end,
            attempts: client.attempts,
            dropped_rows: client.dropped_rows,
        },
        cells: client.served.iter().map(cell).collect(),
    }
}

fn percentiles(spread: &Spread, mean: Option<f64>) -> Percentiles {
    let at = |q| spread.quantile(q, 0).map(|us| us / 1e6);
    Percentiles { mean, p50: at(0.5), p99: at(0.99) }
}

fn cost(resolved: &Resolved, figures: &Scopes<'_>) -> Cost {
    let all = Of::new(figures, ScopeKind::All, "");
    let by = |kind: ScopeKind, names: Vec<String>| -> BTreeMap<String, f64> {
        names.into_iter().map(|name| (name.clone(), Of::new(figures, kind, &name).number("cost_usd"))).collect()
    };
    let mut services =
        by(ScopeKind::Service, resolved.services.iter().map(|own| own.config.name.to_string()).collect());
    // What no service holds: nodes that boot, empty GPUs, commitments.
    let held = |scope: &Scope| scope.kind == ScopeKind::Service;
    let parts = figures.0.values().filter(|own| held(&own.scope)).filter_map(|own| own.part("cost_usd"));
    let total = all.own.and_then(|own| own.part("cost_usd")).unwrap_or(0);
    services.insert("unallocated".to_owned(), (total - parts.sum::<i128>()) as f64 * 1e-12);
    let markets = figures.0.values().filter(|own| own.scope.kind == ScopeKind::Market);
    let regions = resolved.regions.iter().filter(|region| {
        let within =
            |pool: &flashcrowd_core::fleet::PoolConfig| resolved.regions[pool.region as usize].name == region.name;
        resolved.pools.iter().any(within)
    });
    Cost {
        total_usd: all.number("cost_usd"),
        measured_usd: all.number("measured_cost_usd"),
        by_pool: by(ScopeKind::Pool, resolved.pools.iter().map(|pool| pool.name.to_string()).collect()),
        by_region: by(ScopeKind::Region, regions.map(|region| region.name.to_string()).collect()),
        by_market: by(ScopeKind::Market, markets.map(|own| own.scope.name.clone()).collect()),
        by_state: by(ScopeKind::State, GpuState::ALL.iter().map(|state| state.name().to_owned()).collect()),
        by_use: by(ScopeKind::Use, Use::ALL.iter().map(|one| one.words().to_owned()).collect()),
        by_service: services,
        egress_usd: all.number("egress_usd"),
        usd_per_1k_requests: all.get("usd_per_1k_requests"),
        usd_per_1k_good: all.get("usd_per_1k_good"),
        usd_per_1m_tokens: all.get("usd_per_1m_tokens"),
    }
}

/// Late requests beyond the bands in which engines were measured; `None` where none was.
fn beyond_band(resolved: &Resolved, run: &Run) -> Option<u64> {
    let measured = resolved.services.iter().zip(&run.record.services).filter(
        |(service, _)| matches!(&service.config.discipline, Discipline::ContinuousBatch(engine) if engine.validated.is_some()),
    );
    let counts: Vec<u64> = measured.map(|(_, record)| record.late_beyond_band).collect();
    (!counts.is_empty()).then(|| counts.iter().sum())
}

fn inputs(loaded: &Loaded, resolved: &Resolved) -> Vec<Input> {
    let mut inputs = vec![Input { path: loaded.given.clone(), hash: loaded.hash.clone() }];
    inputs.extend(resolved.inputs.iter().map(|file| Input { path: file.path.clone(), hash: file.hash.clone() }));
    inputs
}
