//! The end of a run: open intervals are billed, and everything becomes one record.

use super::Simulation;
use crate::clock::{Class, Entity, Key};
use crate::id::{ClientId, NodeId, PoolId, ServiceId, Table};
use crate::journal::Digest;
use crate::ledger::{ClientRecord, EgressRecord, NodeRecord, RequestCounts, RunRecord, ServedRecord, ServiceRecord};
use crate::network::Geography;
use crate::serving::Discipline;
use crate::traffic::{ClientState, Reach, Served, Traffic};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Simulation {
    pub(super) fn finish(mut self) -> RunRecord {
        let end = self.world.horizon;
        self.agenda.enter(Key::new(end, 0, Class::Lifecycle, Entity::Run, 0));
        // The last period may be shorter, because the run ends.
        if self.books.last_row().is_none_or(|at| at < end) {
            self.series_row();
        }
        self.bill_what_is_open();
        if self.world.warmup >= end {
            self.keep_warm_up();
        }
        for node in self.live_node_ids() {
            self.bill_minimum(node);
        }
        self.record_live();
        self.work.peak_live_requests = self.traffic.requests.peak() as u64;
        self.work.peak_pods = self.fleet.peak_pods() as u64;
        let digest = self.digest();
        let clients = self.traffic.clients.ids().map(|client| self.client_record(client)).collect();
        let controllers = self.control.records();
        self.keep_replicas();
        let nodes = self.fleet.nodes().values().map(node_record).collect();
        let services = self.services.ids().map(|service| self.service_record(service)).collect();
        let (history, faults, health) = self.journal.into_records();
        let books = self.books.close();
        RunRecord {
            ended: end,
            warmup: self.world.warmup,
            digest: digest.to_string(),
            history,
            work: self.work,
            services,
            clients,
            controllers,
            decisions: books.decisions,
            series: books.series,
            fleet: books.fleet,
            replicas: books.replicas,
            nodes,
            egress: egress_records(self.network.geography(), &self.traffic.clients),
            health,
            faults,
            node_autoscaler: self.nodes.scaler.map(|scaler| scaler.record),
            bill: books.bill,
            warmup_bill: books.warmup_bill,
            requests: books.requests,
        }
    }

    /// The digest of the run. It covers the services that were called or decided about, and the
    /// pools that may host them.
    fn digest(&self) -> Digest {
        let hosts = |service: ServiceId| self.services[service].sharing.owner.unwrap_or(service);
        let demands = self.journal.live_services().map(|service| self.services[hosts(service)].demand);
        let pools: BTreeSet<PoolId> = demands.flat_map(|demand| self.fleet.demand(demand).pools.clone()).collect();
        self.journal.digest(pools.into_iter())
    }

    fn live_node_ids(&self) -> Vec<NodeId> {
        self.fleet.live_nodes().map(|(id, _)| id).collect()
    }

    /// Bills all open intervals, up to now.
    fn bill_what_is_open(&mut self) {
        for unit in self.fleet.unit_ids().collect::<Vec<_>>() {
            self.bill_unit(unit);
        }
        for node in self.live_node_ids() {
            self.bill_free_gpus(node);
        }
        for pool in self.fleet.pool_ids() {
            self.settle_commitment(pool);
        }
    }

    /// Records the pods that have not been forgotten.
    fn keep_replicas(&mut self) {
        for id in self.fleet.pod_ids().collect::<Vec<_>>() {
            let record = self.replica_record(id);
            self.books.keep_replica(id, record);
        }
    }

    /// The warm-up ends: keeps the bill so far, and changes nothing else.
    pub(super) fn warmed_up(&mut self) {
        self.bill_what_is_open();
        self.keep_warm_up();
    }

    /// Marks what was billed and sent so far as not measured.
    fn keep_warm_up(&mut self) {
        self.books.end_warm_up();
        for client in self.traffic.clients.values_mut() {
            client.early.0 = client.made;
        }
    }

    /// Counts each request that has no answer at the end as late, for the SLOs whose limit its age
    /// exceeds.
    fn record_live(&mut self) {
        let end = self.world.horizon;
        self.settle_servers();
        for (_, request) in self.traffic.requests.iter() {
            if request.number != u64::MAX && request.arrived >= self.world.warmup {
                let service = request.service;
                let beyond = self.works_beyond_band(request.attempt);
                let book = &mut self.services[service];
                let engine = matches!(book.config.discipline, Discipline::ContinuousBatch(_));
                let sequence = self.serving.sequences.get(request.attempt).filter(|_| engine);
                let first = sequence.and_then(|sequence| sequence.first_token);
                let ttft = first.map(|at| at.since(request.arrived));
                let late = book.account.latency.record_live(end.since(request.arrived), ttft, &book.config.slos);
                book.account.late_beyond_band += u64::from(late && beyond);
            }
        }
    }

    /// Updates everything that is measured at all replicas, up to the end.
    fn settle_servers(&mut self) {
        for service in self.services.ids() {
            self.settle_service(service);
        }
    }

    fn service_record(&mut self, service: ServiceId) -> ServiceRecord {
        let end = self.world.horizon;
        let book = &mut self.services[service];
        let mut done = book.account.gone();
        for &pod in &book.pods {
            done.add(&self.serving.servers[self.fleet.pod(pod).server].done());
        }
        book.settle_readiness(end);
        book.account.latency.settle(&book.config.slos);
        let moves = book.register.moves(end);
        let (ready_replica_s, short_replica_s, short) = book.readiness.totals();
        let (tokens, measured_tokens) = book.account.tokens();
        let latency = std::mem::take(&mut book.account.latency);
        ServiceRecord {
            name: Arc::clone(&book.config.name),
            good: latency.good,
            latency,
            ready_replica_s,
            short_replica_s,
            short,
            capacity: book.capacity_record,
            ready_max: book.readiness.most(),
            spec_max: moves.highest,
            ups: moves.ups,
            downs: moves.downs,
            reversals: moves.reversals,
            at_max: moves.at_highest,
            running_s: done.running_ps as f64 / 1e12,
            occupancy_s: book.presence.occupancy_s(end),
            tokens,
            measured_tokens,
            cut: book.account.cut,
            rejected_attempts: book.account.rejected_attempts,
            failed_because: book.account.failed_because(),
            late_beyond_band: book.account.late_beyond_band,
            engine: done.engine,
        }
    }

    fn client_record(&self, client: ClientId) -> ClientRecord {
        let state = &self.traffic.clients[client];
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
        service: reach.service.get(),
        attempts: served.attempts,
        completed: served.completed,
        e2e: served.e2e.histogram(),
        ttft: served.ttft.histogram(),
        e2e_sum_us: served.e2e_sum_us,
        max_us: [served.e2e.max_us(), served.ttft.max_us()],
    }
}

fn egress_records(geography: &Geography, clients: &Table<ClientId, ClientState>) -> Vec<EgressRecord> {
    let mut bytes: BTreeMap<(u32, u32), u128> = BTreeMap::new();
    for client in clients.values() {
        let Some(place) = &client.config.place else { continue };
        for (from, sent) in client.egress_bytes.iter().filter(|(_, sent)| **sent > 0) {
            *bytes.entry((from.get(), place.origin)).or_default() += u128::from(*sent);
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
        pool: node.pool.get(),
        zone: node.zone.get(),
        ordered: node.ordered,
        ready: node.ready_at,
        gone: node.gone_at,
        reclaimed: node.reclaimed,
    }
}
