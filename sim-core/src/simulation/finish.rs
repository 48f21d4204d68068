//! The end of a run: open intervals are billed, and everything becomes one record.

use super::{ServiceBook, Simulation};
use crate::clock::{Class, Digest, Key};
use crate::fleet::{Geography, Life, NodeLife};
use crate::ledger::{
    ClientRecord, ControllerRecord, EgressRecord, NodeRecord, ReplicaRecord, RequestCounts, RunRecord, ServedRecord,
    ServiceRecord,
};
use crate::ports::TargetId;
use crate::serving::{ClientState, Discipline, Reach, Served, Traffic};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Simulation {
    pub(super) fn finish(mut self) -> RunRecord {
        let end = self.world.horizon;
        self.agenda.enter(Key::new(end, 0, Class::Lifecycle, 0, 0));
        // The last period may be cut short by the end.
        if self.series.last().is_none_or(|row| row.at < end) {
            self.series_row();
        }
        self.bill_what_is_open();
        if self.world.warmup >= end {
            self.keep_warm_up();
        }
        for node in 0..self.nodes.len() as u32 {
            if self.nodes[node as usize].life != NodeLife::Gone {
                self.bill_minimum(node);
            }
        }
        self.record_live();
        self.work.peak_live_requests = self.requests.peak() as u64;
        let digest = self.digest();
        let clients = (0..self.clients.len() as u32).map(|client| self.client_record(client)).collect();
        let controllers = self.controller_records();
        let replicas = (0..self.replicas.len()).map(|id| self.replica_record(id)).collect();
        let nodes = self.nodes.iter().map(node_record).collect();
        let services = (0..self.services.len() as u32).map(|service| self.service_record(service)).collect();
        RunRecord {
            ended: end,
            warmup: self.world.warmup,
            digest: digest.to_string(),
            history: self.history,
            work: self.work,
            services,
            clients,
            controllers,
            decisions: self.decisions,
            series: self.series,
            fleet: self.fleet,
            replicas,
            nodes,
            egress: egress_records(&self.map.geography, &self.clients),
            health: self.map.health,
            faults: self.faults.log,
            node_autoscaler: self.node_scaler.map(|scaler| scaler.record),
            bill: self.bill,
            warmup_bill: self.warmup_bill,
            requests: self.sampled,
        }
    }

    /// The digest of the run: of the services that anybody called or decided about, and of the pools that
    /// may host them.
    fn digest(&self) -> Digest {
        let alive = self.services.iter().filter(|book| book.lives);
        let hosts = |book: &ServiceBook| {
            let config = &book.state.config;
            let owner = config.resident_on.map_or(config, |owner| &self.services[owner as usize].state.config);
            owner.pools.clone()
        };
        let pools: BTreeSet<u32> = alive.clone().flat_map(hosts).collect();
        let pools = pools.into_iter().map(|pool| self.stock[pool as usize].digest);
        Digest::sum(alive.map(|book| book.digest).chain(pools))
    }

    /// Bills all intervals that are open, up to now.
    fn bill_what_is_open(&mut self) {
        for id in 0..self.replicas.len() as u32 {
            if self.replicas[id as usize].life != Life::Gone {
                self.bill_replica(id);
            }
        }
        for node in 0..self.nodes.len() as u32 {
            if self.nodes[node as usize].life != NodeLife::Gone {
                self.bill_free_gpus(node);
            }
        }
        for pool in 0..self.stock.len() as u32 {
            self.settle_commitment(pool);
        }
    }

    /// The warm-up ends: the bill so far is kept. Nothing else happens.
    pub(super) fn warmed_up(&mut self) {
        self.bill_what_is_open();
        self.keep_warm_up();
    }

    /// What was billed and made so far is not measured.
    fn keep_warm_up(&mut self) {
        self.warmup_bill = self.bill.clone();
        for client in &mut self.clients {
            client.early.0 = client.made;
        }
    }

    /// Requests without an answer count against the promises that they are too old for.
    fn record_live(&mut self) {
        let end = self.world.horizon;
        self.settle_servers();
        for (_, request) in self.requests.iter() {
            if request.number != u64::MAX && request.arrived >= self.world.warmup {
                let service = request.service;
                let beyond = self.works_beyond_band(request.attempt);
                let book = &mut self.services[service as usize];
                let engine = matches!(book.state.config.discipline, Discipline::ContinuousBatch(_));
                let sequence = self.sequences.get(request.attempt as usize).filter(|_| engine);
                let first = sequence.and_then(|sequence| sequence.first_token);
                let ttft = first.map(|at| at.since(request.arrived));
                let late = book.latency.record_live(end.since(request.arrived), ttft, &book.state.config.slos);
                book.late_beyond_band += u64::from(late && beyond);
            }
        }
    }

    /// Brings what is measured of all replicas to the end.
    fn settle_servers(&mut self) {
        for service in 0..self.services.len() {
            for id in self.services[service].state.replicas.clone() {
                self.settle_server(id);
            }
        }
    }

    fn service_record(&mut self, service: u32) -> ServiceRecord {
        let end = self.world.horizon;
        let book = &mut self.services[service as usize];
        let mut engine = book.gone_engine;
        for &id in &book.state.replicas {
            engine.add(&self.servers[id as usize].engine_work());
        }
        book.integrate_ready(end);
        book.integrate_occupancy(end);
        book.latency.settle(&book.state.config.slos);
        let live = book.state.replicas.iter().map(|&id| self.servers[id as usize].meter.running_ps).sum::<u128>();
        let (highest, time, since) = book.at_max;
        let at_max = if book.state.spec == highest { time + end.since(since) } else { time };
        ServiceRecord {
            name: Arc::clone(&book.state.config.name),
            good: book.latency.good,
            latency: std::mem::take(&mut book.latency),
            ready_replica_s: book.ready_ps as f64 / 1e12,
            short_replica_s: book.short_ps as f64 / 1e12,
            short: book.short_time,
            market: book.market,
            ready_max: book.ready_max,
            spec_max: highest,
            ups: book.changes[0],
            downs: book.changes[1],
            reversals: book.changes[2],
            at_max,
            running_s: (book.gone_running_ps + live) as f64 / 1e12,
            occupancy_s: book.occupancy.iter().map(|span| span.as_s_f64()).collect(),
            tokens: book.tokens,
            measured_tokens: [0, 1].map(|at| book.tokens[at] - book.early_tokens[at]),
            cut: book.cut,
            rejected_attempts: book.rejected_attempts,
            failed_because: book.failed_because,
            late_beyond_band: book.late_beyond_band,
            engine,
        }
    }

    fn client_record(&self, client: u32) -> ClientRecord {
        let state = &self.clients[client as usize];
        let [completed, rejected, expired, failed] = state.ended;
        ClientRecord {
            name: Arc::clone(&state.config.name),
            service: state.config.service,
            route: state.config.place.as_ref().and_then(|place| place.route),
            origin: state.config.place.as_ref().map(|place| place.origin),
            served: state.reach.iter().zip(&state.served).map(|(reach, served)| served_record(reach, served)).collect(),
            requests: RequestCounts {
                arrived: state.made,
                completed,
                rejected,
                expired,
                failed,
                live_at_end: self.live_requests(client),
            },
            measured: measured_counts(state),
            attempts: state.attempts,
            dropped_rows: match &state.config.traffic {
                Traffic::Open(source) => source.dropped_rows(),
                Traffic::Closed { .. } => 0,
            },
        }
    }

    fn controller_records(&self) -> Vec<ControllerRecord> {
        let signals = |(target, ids): &(TargetId, Vec<u32>)| {
            let names = ids.iter().map(|&id| self.telemetry.signals[id as usize].request.name.as_str().into());
            names.map(|name| (*target, name)).collect::<Vec<_>>()
        };
        let record = |state: &super::control::ControllerState| ControllerRecord {
            name: Arc::clone(&state.controller.name),
            signals: state.signals.iter().flat_map(signals).collect(),
        };
        self.controllers.iter().map(record).collect()
    }

    fn replica_record(&self, id: usize) -> ReplicaRecord {
        let (replica, server) = (&self.replicas[id], &self.servers[id]);
        ReplicaRecord {
            service: replica.service,
            node: replica.node(),
            created: replica.created,
            placed: replica.placed,
            stage_ends: replica.stage_ends.clone(),
            ready: replica.ready,
            deleted: replica.deleted,
            gone: replica.gone,
            killed: replica.killed,
            completed: server.meter.completed,
            busy: server.meter.busy,
        }
    }
}

/// The counts of the requests that arrived after the warm-up.
fn measured_counts(state: &ClientState) -> RequestCounts {
    let (made, early) = state.early;
    let [completed, rejected, expired, failed] = [0, 1, 2, 3].map(|at| state.ended[at] - early[at]);
    let arrived = state.made - made;
    let live_at_end = arrived - completed - rejected - expired - failed;
    RequestCounts { arrived, completed, rejected, expired, failed, live_at_end }
}

fn served_record(reach: &Reach, served: &Served) -> ServedRecord {
    ServedRecord {
        service: reach.service,
        attempts: served.attempts,
        completed: served.completed,
        e2e: served.e2e.histogram(),
        ttft: served.ttft.histogram(),
        e2e_sum_us: served.e2e_sum_us,
        max_us: [served.e2e.max_us(), served.ttft.max_us()],
    }
}

fn egress_records(geography: &Geography, clients: &[ClientState]) -> Vec<EgressRecord> {
    let mut bytes: BTreeMap<(u32, u32), u128> = BTreeMap::new();
    for client in clients {
        let Some(place) = &client.config.place else { continue };
        for (sent, from) in client.egress_bytes.iter().zip(0..).filter(|(sent, _)| **sent > 0) {
            *bytes.entry((from, place.origin)).or_default() += u128::from(*sent);
        }
    }
    let record = |(&(from, to), &bytes): (&(u32, u32), &u128)| {
        let pico_usd = bytes.saturating_mul(u128::from(geography.egress(from, to)));
        EgressRecord { from, to, bytes, pico_usd }
    };
    bytes.iter().map(record).collect()
}

fn node_record(node: &crate::fleet::Node) -> NodeRecord {
    NodeRecord {
        pool: node.pool,
        zone: node.zone,
        ordered: node.ordered,
        ready: node.ready_at,
        gone: node.gone_at,
        reclaimed: node.reclaimed,
    }
}
