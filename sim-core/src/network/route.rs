//! Routes: one name for the deployments of a service in several regions; and how long it takes
//! until clients know that a deployment has failed.
//!
//! A prober checks each cell once per interval. Clients keep a DNS answer for its time to live,
//! each from its own instant on, so that a failover reaches them one by one: the delay is that of
//! the probes, plus a part of the time to live that is uniform over clients.

use crate::clock::{Seed, SimDuration, SimTime, Stream};
use crate::id::{CellId, RegionId, RouteId, ServiceId};
use crate::ports::{CellView, GlobalRouter};
use std::sync::Arc;

/// A route.
pub struct RouteConfig {
    /// Its name.
    pub name: Arc<str>,
    /// The services behind the name, by position: its cells, each in one region.
    pub cells: Vec<u32>,
    /// Chooses among the cells.
    pub router: Box<dyn GlobalRouter>,
    /// How failures are noticed; without it, they never are.
    pub health: Option<HealthConfig>,
    /// How long a client waits for a region that does not answer.
    pub connect_timeout: SimDuration,
    /// Whether a retry avoids the cell of the attempt before, if there is another.
    pub retries_elsewhere: bool,
}

/// Health checks of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthConfig {
    /// Time between two probes of a cell (Route 53: 30 s or 10 s).
    pub interval: SimDuration,
    /// How long a probe waits until it counts as failed.
    pub timeout: SimDuration,
    /// Number of failures in a row that take a cell out.
    pub failures: u32,
    /// Number of successes in a row that bring it back.
    pub successes: u32,
    /// The shortest time that a cell stays out.
    pub hold: SimDuration,
    /// How long a client keeps a DNS answer (time to live); zero if it asks each time.
    pub time_to_live: SimDuration,
    /// Whether a cell without a ready replica fails its probes.
    pub needs_ready: bool,
}

/// Where a client is, where its requests may be served, and which route it calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientPlace {
    /// Its region.
    pub origin: u32,
    /// Regions in which its requests may be served, sorted.
    pub allowed: Vec<u32>,
    /// The route that it calls; without one, it calls its service directly.
    pub route: Option<u32>,
    /// Round trips of a request: 1 on an open connection, 3 if each sets up TCP and TLS.
    pub round_trips: u32,
    /// Size of a response: a fixed part, and a part for each output token.
    pub response_bytes: [u64; 2],
}

/// A route at work.
pub(crate) struct Route {
    pub(crate) config: RouteConfig,
    /// Its cells, in the table of all cells.
    pub(crate) cells: Vec<CellId>,
    stream: Stream,
}

/// A cell: a service in a region.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) route: RouteId,
    /// Its position in the route.
    pub(crate) position: u32,
    pub(crate) service: ServiceId,
    pub(crate) region: RegionId,
    /// The number of its name.
    pub(crate) key: u64,
    pub(crate) health: Health,
}

impl Route {
    /// A route over these cells.
    pub(crate) fn new(config: RouteConfig, cells: Vec<CellId>, seed: Seed) -> Self {
        let stream = seed.stream(&format!("route/{}", config.name));
        Route { config, cells, stream }
    }

    /// When the DNS answer was given that a client uses at `now`; `phase` is the client's own.
    #[inline]
    pub(crate) fn answered_at(&self, now: SimTime, phase: u64) -> SimTime {
        let life = self.config.health.map_or(0, |health| health.time_to_live.as_ps());
        if life == 0 {
            return now;
        }
        // The remainder of the difference, without dividing it: divisions are slow, and every
        // attempt needs this.
        let (now_in_life, phase) = (now.as_ps() % life, phase % life);
        let age = if now_in_life < phase { now_in_life + life - phase } else { now_in_life - phase };
        now.back(SimDuration::from_ps(age))
    }

    /// The position of the chosen cell in `cells`.
    #[inline]
    pub(crate) fn choose(&mut self, cells: &[CellView], affinity: u64) -> usize {
        if cells.len() == 1 {
            return 0;
        }
        self.config.router.choose(cells, affinity, &mut self.stream).min(cells.len() - 1)
    }
}

/// What probes have found about a cell.
#[derive(Debug)]
pub(crate) struct Health {
    up: bool,
    /// Probes in a row that contradict `up`.
    streak: u32,
    /// When it last changed.
    since: SimTime,
    /// Changes of health, without those that are too old for every client.
    history: Vec<(SimTime, bool)>,
}

impl Default for Health {
    fn default() -> Self {
        Health { up: true, streak: 0, since: SimTime::ZERO, history: Vec::new() }
    }
}

impl Health {
    /// Takes the result of a probe that was sent at `now`. Returns the new health, if it changes,
    /// and when that is known.
    pub(crate) fn probed(&mut self, ok: bool, now: SimTime, config: &HealthConfig) -> Option<(SimTime, bool)> {
        if ok == self.up {
            self.streak = 0;
            return None;
        }
        self.streak = self.streak.saturating_add(1);
        let needed = if ok { config.successes } else { config.failures };
        if self.streak < needed || (ok && now < self.since + config.hold) {
            return None;
        }
        let at = if ok { now } else { now + config.timeout };
        (self.up, self.streak, self.since) = (ok, 0, at);
        let oldest = now.back(config.time_to_live);
        let forget = self.history.partition_point(|change| change.0 <= oldest).saturating_sub(1);
        self.history.drain(..forget);
        self.history.push((at, ok));
        Some((at, ok))
    }

    /// Whether it counted as healthy at an instant.
    #[inline]
    pub(crate) fn at(&self, at: SimTime) -> bool {
        self.history.iter().rev().find(|change| change.0 <= at).is_none_or(|change| change.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: HealthConfig = HealthConfig {
        interval: SimDuration::from_s(10),
        timeout: SimDuration::from_s(2),
        failures: 3,
        successes: 2,
        hold: SimDuration::from_s(60),
        time_to_live: SimDuration::from_s(30),
        needs_ready: false,
    };

    #[test]
    fn failures_in_a_row_take_a_cell_out_and_successes_after_the_hold_bring_it_back() {
        let s = SimTime::from_s;
        let mut health = Health::default();
        let mut changes = Vec::new();
        for (at, ok) in (0..).step_by(10).zip([true, false, false, true, false, false, false, true, true, true]) {
            changes.extend(health.probed(ok, s(at), &CONFIG));
        }
        // The success at 30 interrupted the first row of failures.
        assert_eq!(changes, [(s(62), false)]);
        assert!(health.at(s(61)) && !health.at(s(62)));
        changes.clear();
        for at in (100..140).step_by(10) {
            changes.extend(health.probed(true, s(at), &CONFIG));
        }
        assert_eq!(changes, [(s(130), true)], "not before the hold is over");
    }

    #[test]
    fn an_answer_is_as_old_as_its_client_asked() {
        let config = RouteConfig {
            name: "r".into(),
            cells: vec![0],
            router: Box::new(First),
            health: Some(CONFIG),
            connect_timeout: SimDuration::ZERO,
            retries_elsewhere: false,
        };
        let route = Route::new(config, vec![CellId::new(0)], Seed::new(1));
        let phase = SimDuration::from_s(12).as_ps();
        let at = |s| route.answered_at(SimTime::from_s(s), phase);
        assert_eq!([at(41), at(42), at(50), at(71)], [12, 42, 42, 42].map(SimTime::from_s));
    }

    struct First;
    impl GlobalRouter for First {
        fn choose(&mut self, _: &[CellView], _: u64, _: &mut Stream) -> usize {
            0
        }
    }
}
