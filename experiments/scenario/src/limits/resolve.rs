//! Limits: what is valid and would run for ever, or not fit into memory, is refused before it runs.

use crate::autoscaler::resolved::ResolvedAutoscaler;
use crate::resolved::Resolved;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ledger::DecisionRecord;
use flashcrowd_core::serving::Discipline;
use flashcrowd_core::simulation::Limits;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::{ByteSize, Duration};

/// The limits of one scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    requests: f64,
    live_requests: u64,
    /// Nodes of a pool, replicas of a service, users of a client.
    pub(crate) entities: u32,
    horizon: SimDuration,
    memory: u64,
}

/// Counts of latencies of a service that had requests, and its figures in one run, in bytes.
const TALLIES_BYTES: u64 = 100_000;
const FIGURES_BYTES: u64 = 1_000;
/// Runs whose records are there at once, as trials are played, on the usual number of cores.
const RUNS_AT_ONCE: u64 = 64;
/// Changes of a hidden state within a run.
const MOST_SOJOURNS: u64 = 100_000_000;
/// Nodes that are lost within a run, one by one: each is kept in the record.
const MOST_LOSSES: f64 = 1e7;
/// Picosecond time ends after 213 days; no limit goes beyond.
const LONGEST_HORIZON: SimDuration = SimDuration::from_s(200 * 86_400);

impl Bounds {
    pub(crate) fn new(notes: &mut Notes<'_>, given: &spec::Limits) -> Self {
        let of = |field: &str| format!("limits.{field}");
        let quarter = Duration(SimDuration::from_s(92 * 86_400));
        let (long, large) = ("a run ends within hours", "a workstation holds it");
        Bounds {
            requests: notes.or(&of("requests"), given.requests, 2e9, long),
            live_requests: notes.or(&of("live_requests"), given.live_requests, 5_000_000, large),
            entities: notes.or(&of("entities"), given.entities, 100_000, large),
            horizon: notes.or(&of("horizon"), given.horizon, quarter, long).get().min(LONGEST_HORIZON),
            memory: notes.or(&of("memory"), given.memory, ByteSize(8 << 30), large).0,
        }
    }

    pub(crate) fn engine(&self) -> Limits {
        // Four events a request are usual, retries and signals come on top.
        let events = (self.requests * 1_000.0) as u64;
        Limits {
            requests: self.requests as u64,
            live_requests: self.live_requests,
            events: events.max(1_000_000),
            replicas: self.entities,
        }
    }

    pub(crate) fn check(&self, notes: &mut Notes<'_>, resolved: &Resolved) -> Result<(), Diagnostic> {
        let horizon = resolved.horizon.since(flashcrowd_core::SimTime::ZERO);
        if horizon > self.horizon {
            let (asked, limit) = (Duration(horizon), Duration(self.horizon));
            let error = notes.error("horizon", format!("the horizon is {asked}, the limit is {limit}"));
            return Err(raise(error, "horizon"));
        }
        self.check_requests(notes, resolved, horizon)?;
        for service in &resolved.services {
            let autoscaled = service.autoscaler.as_ref().and_then(ResolvedAutoscaler::max_replicas).unwrap_or(0);
            let most = autoscaled.max(service.config.initial_replicas);
            if most > self.entities {
                let path = format!("services.{}", service.config.name);
                let error = notes.error(&path, format!("up to {most} replicas, the limit is {}", self.entities));
                return Err(raise(error, "entities"));
            }
            Self::check_fleet(notes, resolved, service, most);
        }
        self.check_memory(notes, resolved, horizon)
    }

    /// Nodes that live for moments would play for days.
    pub(crate) fn check_losses(
        notes: &Notes<'_>,
        raw: &spec::Scenario,
        pools: &[PoolConfig],
        horizon: SimDuration,
    ) -> Result<(), Diagnostic> {
        let within = |path: &str, losses: f64| {
            if losses <= MOST_LOSSES {
                return Ok(());
            }
            let message = format!("about {losses:.1e} nodes would be lost; expected at most {MOST_LOSSES:.0e}");
            Err(notes.error(path, message).with_help("give a longer time, or a shorter `horizon`"))
        };
        for (name, market) in &raw.markets {
            let spec::SpotMarket::Lifetimes(given) = market else { continue };
            let spec::Lifetime::Exponential(mean) = &given.lifetime else { continue };
            let buys = |pool: &&PoolConfig| raw.pools[&*pool.name].supply.as_ref() == Some(name);
            let zones: usize = pools.iter().filter(buys).map(|pool| pool.zones.len()).sum();
            let turn = (mean.get() + given.away.get()).as_s_f64().max(1e-12);
            let losses = f64::from(given.nodes) * zones as f64 * horizon.as_s_f64() / turn;
            within(&format!("markets.{name}.lifetime"), losses)?;
        }
        for (name, fault) in &raw.faults {
            if let spec::FaultSpec::NodeFailures(given) = fault {
                let losses = horizon.as_s_f64() / given.every.get().as_s_f64().max(1e-12);
                within(&format!("faults.{name}.every"), losses)?;
            }
        }
        Ok(())
    }

    fn check_requests(&self, notes: &Notes<'_>, resolved: &Resolved, horizon: SimDuration) -> Result<(), Diagnostic> {
        let mut expected = 0.0;
        for client in &resolved.traffic {
            let users = client.source.users();
            if users > self.entities {
                let path = format!("traffic.{}.users", client.name);
                let error = notes.error(&path, format!("{users} users, the limit is {}", self.entities));
                return Err(raise(error, "entities"));
            }
            let shortest = client.source.shortest_change();
            if shortest.is_some_and(|span| horizon.as_ps() / span.as_ps().max(1) > MOST_SOJOURNS) {
                let path = format!("traffic.{}.states", client.name);
                let message = "states this short change more often than can be played; expected longer `mean`s";
                return Err(notes.error(&path, message));
            }
            if let Some(file) = client.source.trace() {
                // Rows are read whether or not they are sent.
                let read = file.summary.rows as f64 * f64::from(file.options.repeat);
                if read > self.requests {
                    let path = format!("traffic.{}", client.name);
                    let message =
                        format!("{read:.1e} rows are to be read, the limit is {:.1e} requests", self.requests);
                    return Err(raise(notes.error(&path, message), "requests"));
                }
            }
            expected += client.expected_requests(horizon.as_s_f64());
            if expected > self.requests {
                let path = format!("traffic.{}", client.name);
                let message =
                    format!("about {expected:.1e} requests are to be expected, the limit is {:.1e}", self.requests);
                return Err(raise(notes.error(&path, message), "requests"));
            }
        }
        Ok(())
    }

    /// Replicas that the fleet can never hold are no error, since production has that too.
    fn check_fleet(notes: &mut Notes<'_>, resolved: &Resolved, service: &ResolvedService, most: u32) {
        let groups = |pool: &flashcrowd_core::fleet::PoolConfig| {
            u64::from(pool.max_nodes) * u64::from(pool.gpus_per_node / service.config.gpus_per_group)
        };
        let room: u64 = service.config.pools.iter().map(|&pool| groups(&resolved.pools[pool as usize])).sum();
        let fits = room / u64::from(service.config.groups.max(1));
        if u64::from(most) > fits {
            notes.warn(format!(
                "service `{}` may ask for {most} replicas, its pools hold at most {fits}: raise `max_nodes`",
                service.config.name
            ));
        }
    }

    /// Series, decisions and replica records are what grows with the horizon.
    fn check_memory(&self, notes: &Notes<'_>, resolved: &Resolved, horizon: SimDuration) -> Result<(), Diagnostic> {
        let rows = horizon.as_ps() / resolved.series_period.as_ps().max(1);
        let series = rows.saturating_mul((resolved.services.len() * 136 + resolved.pools.len() * 32) as u64);
        let decisions: u64 = resolved
            .services
            .iter()
            .filter_map(|service| service.autoscaler.as_ref())
            .map(|scaler| {
                let bytes = 200 + 300 * scaler.signals.len().min(100) as u64;
                let period = scaler.period.max(DecisionRecord::QUIET_PERIOD);
                (horizon.as_ps() / period.as_ps()).saturating_mul(bytes)
            })
            .sum();
        let fixed = resolved.services.len() as u64 * TALLIES_BYTES + Self::entities_memory(resolved);
        let needed = series.saturating_add(decisions).saturating_add(fixed);
        // Records of some runs are there at once; of the others, their figures.
        let replicates = u64::from(resolved.replicates);
        let figures = replicates.saturating_mul(FIGURES_BYTES * (resolved.services.len() as u64 + 2));
        let all = needed.saturating_mul(replicates.min(RUNS_AT_ONCE)).saturating_add(figures);
        if needed <= self.memory && all > self.memory {
            let (all, limit) = (ByteSize(all), ByteSize(self.memory));
            let message = format!("about {all} of results of {replicates} replicates, the limit is {limit}");
            return Err(raise(notes.error("replicates", message), "memory"));
        }
        if needed > self.memory {
            let (needed, limit) = (ByteSize(needed), ByteSize(self.memory));
            let path = if notes.document.get("series_period").is_some() { "series_period" } else { "horizon" };
            let error = notes.error(path, format!("about {needed} of records, the limit is {limit}"));
            return Err(raise(error, "memory"));
        }
        Ok(())
    }

    /// What stands there from the start.
    fn entities_memory(resolved: &Resolved) -> u64 {
        let nodes: u64 = resolved.pools.iter().map(|pool| u64::from(pool.min_nodes) * 800).sum();
        let replicas = resolved.services.iter().map(|service| {
            let instances = match &service.config.discipline {
                Discipline::DynamicBatch(batch) => u64::from(batch.instances),
                _ => 0,
            };
            u64::from(service.config.initial_replicas).saturating_mul(500 + 16 * instances)
        });
        let users = resolved.traffic.iter().map(|client| u64::from(client.source.users()) * 150);
        replicas.chain(users).fold(nodes, u64::saturating_add)
    }
}

fn raise(error: Diagnostic, limit: &str) -> Diagnostic {
    error.with_help(format!("if that is meant, raise it: `limits: ({limit}: ...)`"))
}
