//! Telemetry: collections, scrapes and evaluations of signals, and the rows of the series.

use super::requests::CANCELLED;
use super::{Event, Simulation};
use crate::clock::{Class, Entity, SimDuration, SimTime};
use crate::fleet::{Life, NodeLife};
use crate::id::{AttemptSlot, ClockSlot, NodeId, ServerId, ServerSlot, ServiceId, SignalIndex};
use crate::ledger::{FleetRow, Parts, SeriesRow};
use crate::ports::{LatencyPart, Scope, SignalRequest, SignalSource, TargetId};
use crate::serving::Server;
use crate::signals::{SERVICE, SignalState, Truth};
use crate::traffic::Attempt;

impl Simulation {
    /// Adds a signal and plans its first collection, scrape and evaluation.
    pub(super) fn add_signal(&mut self, controller: &str, target: TargetId, request: SignalRequest) -> SignalIndex {
        let id = self.control.next_signal();
        let book = &mut self.services[ServiceId::new(target.0)];
        let label = format!("{controller}/{}/{}", book.config.name, request.name);
        let signal = SignalState::new(request, target.0, &label, self.world.seed);
        if signal.request.source == SignalSource::Concurrency {
            book.presence.integrate();
        }
        match signal.latency_part() {
            // Tokens are reported when they come, other parts when the request ends.
            Some(LatencyPart::TimeToFirstToken) => book.watchers.first_token.push(id),
            Some(LatencyPart::InterToken) => book.watchers.gap.push(id),
            Some(_) => book.watchers.latency.push(id),
            None => {}
        }
        let [collect, scrape, evaluate] = signal.phases;
        let collects = signal.request.pipeline.collect_period.is_some();
        let evaluates = signal.evaluation_period().is_some();
        self.control.add_signal(signal);
        if collects {
            self.plan_sample(id, collect, Event::Collect { signal: id });
        }
        self.plan_sample(id, scrape, Event::Scrape { signal: id });
        if evaluates {
            self.agenda.schedule(evaluate, Class::Scrape, id, 3, Event::Evaluate { signal: id });
        }
        id
    }

    /// Plans a collection or scrape, and before it the opening of its sampling window.
    fn plan_sample(&mut self, id: SignalIndex, at: SimTime, event: Event) {
        let signal = self.control.signal(id);
        let collects = signal.request.pipeline.collect_period.is_some();
        let samples = matches!(event, Event::Collect { .. }) || !collects;
        if let Some(window) = signal.sampling_window().filter(|_| samples) {
            let opens = at.back(window).max(self.agenda.now());
            self.agenda.schedule(opens, Class::Scrape, id, 0, Event::WindowOpen { signal: id });
        }
        let sequence = if matches!(event, Event::Collect { .. }) { 1 } else { 2 };
        self.agenda.schedule(at, Class::Scrape, id, sequence, event);
    }

    pub(super) fn open_window(&mut self, id: SignalIndex) {
        let truth = self.truth(id);
        self.control.signal_mut(id).open_window(self.agenda.now(), &truth);
    }

    pub(super) fn collect(&mut self, id: SignalIndex) {
        let truth = self.truth(id);
        let signal = self.control.signal_mut(id);
        signal.collect(self.agenda.now(), &truth);
        let period = signal.request.pipeline.collect_period.unwrap_or(SimDuration::MAX);
        self.plan_sample(id, self.agenda.now() + period, Event::Collect { signal: id });
    }

    pub(super) fn scrape(&mut self, id: SignalIndex) {
        let truth = self.truth(id);
        let now = self.agenda.now();
        let signal = self.control.signal_mut(id);
        signal.scrape(now, &truth);
        let period = signal.request.pipeline.scrape_period;
        self.plan_sample(id, now + period, Event::Scrape { signal: id });
    }

    pub(super) fn evaluate(&mut self, id: SignalIndex) {
        let now = self.agenda.now();
        let signal = self.control.signal_mut(id);
        signal.evaluate(now);
        let period = signal.evaluation_period().unwrap_or(SimDuration::MAX);
        self.agenda.schedule(now + period, Class::Scrape, id, 3, Event::Evaluate { signal: id });
    }

    /// Passes new first tokens and gaps to the signals that want them.
    #[inline]
    pub(super) fn observe_tokens(&mut self, server: ServerId, service: ServiceId) {
        if !self.serving.first_tokens.is_empty() || !self.serving.gaps.is_empty() {
            self.observe_new_tokens(server, service);
        }
    }

    // A separate function, so that the check for new tokens costs next to nothing.
    #[inline(never)]
    fn observe_new_tokens(&mut self, server: ServerId, service: ServiceId) {
        let pod = self.serving.servers[server].pod.serial();
        let book = &self.services[service];
        if !book.watchers.first_token.is_empty() {
            for &index in &self.serving.first_tokens {
                let (request, first) =
                    (self.traffic.attempts[index].request, self.serving.sequences[index].first_token);
                if let Some(first) = first.filter(|_| request < CANCELLED) {
                    let ttft = first.since(self.traffic.requests[request].arrived);
                    for &signal in &book.watchers.first_token {
                        self.control.signal_mut(signal).observe(pod, ttft);
                    }
                }
            }
        }
        self.serving.first_tokens.clear();
        for &signal in &book.watchers.gap {
            for (leap, decodes) in &self.serving.gaps {
                self.control.signal_mut(signal).observe_gaps(pod, leap, *decodes);
            }
        }
        self.serving.gaps.clear();
    }

    /// Passes the latencies of a completed request to the signals that want them.
    pub(super) fn observe_latency(&mut self, attempt: &Attempt, parts: &Parts) {
        let pod = self.serving.servers.at(attempt.server).pod.serial();
        for &signal in &self.services[attempt.service].watchers.latency {
            let signal = self.control.signal_mut(signal);
            if let Some(part) = signal.latency_part() {
                signal.observe(pod, parts.get(part));
            }
        }
    }

    /// Whether an attempt that has not ended is at a replica beyond its validated band, or was when
    /// its first token came.
    pub(super) fn works_beyond_band(&self, attempt: AttemptSlot) -> bool {
        if attempt == AttemptSlot::NONE {
            return false;
        }
        let Attempt { server, service, beyond_band, .. } = self.traffic.attempts[attempt];
        let discipline = &self.services[service].config.discipline;
        beyond_band || server != ServerSlot::NONE && self.serving.servers.at(server).is_beyond_band(discipline)
    }

    /// The same, for a replica whose engine may be in the middle of a leap.
    pub(super) fn settles_beyond_band(&mut self, attempt: AttemptSlot) -> bool {
        self.settle_attempt(attempt);
        self.works_beyond_band(attempt)
    }

    /// The true value now of each replica that reports this signal, or of the service.
    fn truth(&mut self, id: SignalIndex) -> Vec<Truth> {
        let signal = self.control.signal(id);
        let (source, scope, service) = (signal.request.source, signal.request.scope, ServiceId::new(signal.service));
        let now = self.agenda.now();
        let mut rows = Vec::new();
        for id in self.services[service].pods.clone() {
            // The exporters of the GPU and of the container run beside the process; the server's
            // own metrics exist once its engine is up.
            let pod = self.fleet.pod(id);
            let reports = match source {
                SignalSource::GpuUtilization
                | SignalSource::SmActive
                | SignalSource::TensorActive
                | SignalSource::DramActive
                | SignalSource::CpuCores
                | SignalSource::MemoryBytes => pod.process.is_some(),
                _ => pod.ready.is_some(),
            };
            if !reports {
                continue;
            }
            let (process, server) = (pod.process, pod.server);
            let node = self.fleet.node_of(id).map_or(u32::MAX, NodeId::get);
            for pod in self.fleet.unit(pod.unit).pods.clone() {
                self.settle_server(self.fleet.pod(pod).server);
            }
            let server = &self.serving.servers[server];
            let discipline = &self.services[service].config.discipline;
            let cpu = self.services[service].config.cpu;
            // On shared GPUs, the GPU's exporter sees the work of all servers.
            let shared = (server.clock != ClockSlot::NONE).then(|| self.clock_activity_s(server.clock));
            let activity = || shared.map_or_else(|| discipline.activity_s(server), |(_, activity)| activity);
            let token_work = |server: &Server| server.token_work(&self.traffic.attempts, &self.serving.sequences);
            let age_s = process.map_or(0.0, |at| now.since(at).as_s_f64());
            let value = match source {
                SignalSource::GpuUtilization => shared.map_or_else(|| server.meter.kernel_s(), |(busy_s, _)| busy_s),
                SignalSource::WaitingRequests => {
                    f64::from(server.shown_waiting(discipline, &self.traffic.attempts, &self.serving.sequences))
                }
                SignalSource::RunningRequests => f64::from(server.running),
                SignalSource::InFlightRequests => f64::from(server.held()),
                SignalSource::RequestsArrived => server.meter.accepted as f64,
                SignalSource::RequestsCompleted => server.meter.completed as f64,
                SignalSource::LatencyQuantile { .. } => 0.0,
                SignalSource::Concurrency => server.meter.running_ps as f64 / 1e12,
                SignalSource::QueuedPromptTokens => token_work(server).queued_prompt as f64,
                SignalSource::RunningContextTokens => token_work(server).running_context as f64,
                SignalSource::QueuedContextTokens => token_work(server).queued_context as f64,
                SignalSource::KvCacheUse => 100.0 * server.cache_use(),
                SignalSource::SmActive => activity().sm,
                SignalSource::TensorActive => activity().tensor,
                SignalSource::DramActive => activity().dram,
                SignalSource::CpuCores => {
                    cpu.idle_cores * age_s + cpu.cores_per_request * (server.meter.running_ps as f64 / 1e12)
                }
                SignalSource::MemoryBytes => cpu.idle_bytes + cpu.bytes_per_request * f64::from(server.running),
            };
            rows.push(Truth { replica: id.serial(), node, value });
        }
        match scope {
            // The service keeps this integral itself: it includes attempts at the gateway and on
            // their way.
            Scope::Service if source == SignalSource::Concurrency => {
                let value = self.services[service].presence.attempt_s(now);
                vec![Truth { replica: SERVICE, node: u32::MAX, value }]
            }
            Scope::Service if !source.is_integral() => vec![self.service_truth(service, source, &rows)],
            Scope::Pods if !source.is_integral() && !rows.is_empty() => {
                vec![self.service_truth(service, source, &rows)]
            }
            Scope::Replica | Scope::Service | Scope::Pods => rows,
        }
    }

    fn service_truth(&self, service: ServiceId, source: SignalSource, rows: &[Truth]) -> Truth {
        let book = &self.services[service];
        let sum: f64 = rows.iter().map(|row| row.value).sum();
        let gateway = f64::from(self.brokers[book.feed.broker()].len());
        let value = match source {
            SignalSource::WaitingRequests | SignalSource::InFlightRequests => sum + gateway,
            // Counted at the gateway: these counters outlive replicas.
            SignalSource::RequestsArrived => book.account.totals()[0] as f64,
            SignalSource::RequestsCompleted => book.account.totals()[1] as f64,
            // A share is averaged, not summed.
            _ if source.is_share() => sum / rows.len().max(1) as f64,
            _ => sum,
        };
        Truth { replica: SERVICE, node: u32::MAX, value }
    }

    /// Adds a row of the series for each service and pool.
    pub(super) fn series_row(&mut self) {
        let now = self.agenda.now();
        for service in self.services.ids() {
            let row = self.service_row(service, now);
            self.books.add_row(row);
        }
        for pool in self.fleet.pool_ids() {
            let nodes = self.fleet.live_nodes().filter(|(_, node)| node.pool == pool);
            let mut row = FleetRow { at: now, pool: pool.get(), ready: 0, booting: 0, gpus_held: 0 };
            for (_, node) in nodes {
                match node.life {
                    NodeLife::Ready => row.ready += 1,
                    NodeLife::Booting => row.booting += 1,
                    NodeLife::Gone => continue,
                }
                row.gpus_held += node.gpus() - node.free.count_ones();
            }
            self.books.add_fleet_row(row);
        }
        self.agenda.schedule(now + self.world.series_period, Class::Housekeeping, Entity::Run, 0, Event::Series);
    }

    fn service_row(&mut self, service: ServiceId, now: SimTime) -> SeriesRow {
        self.settle_service(service);
        let (running, waiting) = self.work_of(service);
        let book = &mut self.services[service];
        book.settle_readiness(now);
        // Replica-time: over a fleet the sum soon exceeds the 213 days of a `SimDuration`.
        let mut busy_ps = book.account.gone().busy_ps;
        let mut lives = [0_u32; 3];
        for &id in &book.pods {
            busy_ps += u128::from(self.serving.servers[self.fleet.pod(id).server].meter.busy.as_ps());
            match self.fleet.pod(id).life {
                Life::Pending => lives[0] += 1,
                Life::Starting { .. } => lives[1] += 1,
                Life::Draining => lives[2] += 1,
                Life::Ready | Life::Gone => {}
            }
        }
        let (ready_ps, busy_ps) = (book.readiness.take_row_ps(), book.account.take_row_busy(busy_ps));
        let period = book.account.take_period();
        SeriesRow {
            at: now,
            service: service.get(),
            spec: book.register.spec(),
            ready: book.rotation.len(),
            pending: lives[0],
            starting: lives[1],
            draining: lives[2],
            waiting,
            running,
            arrived: period.arrived,
            completed: period.completed,
            late: period.late,
            p50: period.p50,
            p99: period.p99,
            utilization: if ready_ps == 0 { 0.0 } else { (busy_ps as f64 / ready_ps as f64).min(1.0) },
        }
    }
}
