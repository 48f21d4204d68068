//! Units: pods that share GPUs, and are placed and billed as one.

use super::Simulation;
use crate::clock::SimDuration;
use crate::fleet::{Lease, Node, Part, Parts, Step, Use, Why, use_of};
use crate::id::{DemandId, NodeId, ServerId, ServiceId, UnitId};
use crate::journal::PodChange;
use crate::ledger::{BillLine, GpuState};
use crate::serving::Clock;

impl Simulation {
    /// Adds a pod of a service, and one pod of each service that is resident on it.
    pub(super) fn new_unit(&mut self, service: ServiceId, demand: DemandId) -> UnitId {
        let now = self.agenda.now();
        let unit = self.fleet.add_unit(demand, now);
        self.new_pod(service, unit);
        for resident in self.services[service].sharing.residents.clone() {
            self.new_pod(resident, unit);
        }
        let pods = &self.fleet.unit(unit).pods;
        if pods.len() > 1 {
            let members: Vec<ServerId> = pods.iter().map(|&pod| self.fleet.pod(pod).server).collect();
            let clock = self.serving.clocks.insert(|_| Clock::new(members.clone(), now));
            for member in members {
                self.serving.servers[member].share(clock.slot());
            }
            self.fleet.unit_mut(unit).clock = Some(clock);
        }
        unit
    }

    /// Places a new unit, or lets it wait.
    pub(super) fn launch(&mut self, unit: UnitId) {
        if self.try_place(unit) {
            self.begin_start(unit);
        } else {
            self.wait_for_node(unit);
        }
    }

    /// Lets a unit that fits nowhere wait for the node autoscaler.
    pub(super) fn wait_for_node(&mut self, unit: UnitId) {
        self.fleet.wait(unit);
        self.judge_newest();
        self.schedule_scan();
        self.notice_waiting();
    }

    /// Places a unit on ready nodes, whole or not at all.
    pub(super) fn try_place(&mut self, id: UnitId) -> bool {
        match self.fleet.schedule(id) {
            Step::Bind(unit, nodes) => {
                self.bind(unit, &nodes);
                true
            }
            Step::Refuse(Why::NoRoom) => false,
        }
    }

    fn bind(&mut self, id: UnitId, nodes: &[NodeId]) {
        let parts: Parts = self.fleet.unit(id).pods.iter().map(|&pod| self.part_of(pod)).collect();
        for &node in nodes {
            self.bill_free_gpus(node);
        }
        self.fleet.bind(id, nodes, &parts, self.agenda.now());
        let leader = self.fleet.unit(id).leader();
        let region = self.fleet.region_of(leader).map_or(0, |region| region.get() as u16);
        for part in &parts {
            let server = self.fleet.pod(part.pod).server;
            self.serving.servers[server].region = region;
        }
        self.note_pod(leader, PodChange::Placed);
    }

    /// The memory that a pod holds on each of its GPUs.
    fn part_of(&self, pod: crate::id::PodId) -> Part {
        let service = self.fleet.pod(pod).service();
        Part { pod, bytes: self.services[service].config.memory_per_gpu }
    }

    /// Begins the start-up of the pods of a unit that has been placed.
    pub(super) fn begin_start(&mut self, unit: UnitId) {
        for pod in self.fleet.unit(unit).pods.clone() {
            self.begin_stage(pod, 0);
        }
    }

    /// Frees the GPUs of a unit that has ended.
    pub(super) fn free_gpus(&mut self, unit: UnitId) {
        let holds = self.fleet.unit(unit).holds.clone();
        for hold in &holds {
            self.bill_free_gpus(hold.node);
            self.fleet.node_mut(hold.node).release(hold.gpus);
            self.fleet.note_room(hold.node, self.agenda.now());
            self.watch_idle(hold.node);
        }
        if !holds.is_empty() {
            self.place_pending();
        }
    }

    /// Bills a unit's GPUs up to now, in the state that they are in.
    pub(super) fn bill_unit(&mut self, id: UnitId) {
        let now = self.agenda.now();
        for pod in self.fleet.unit(id).pods.clone() {
            self.settle_server(self.fleet.pod(pod).server);
        }
        let busy = self.busy_of(id);
        let unit = self.fleet.unit_mut(id);
        let span = now.since(unit.billed);
        let busy = (busy - unit.billed_busy).min(span);
        unit.billed = now;
        unit.billed_busy += busy;
        let pods = &self.fleet.unit(id).pods;
        let shares = pods.len() > 1;
        let lives = pods.iter().map(|&pod| self.fleet.pod(pod));
        // A job alone on its GPUs counts as serving until it ends; on shared GPUs it drains like
        // other pods.
        match use_of(lives.map(|pod| (pod.life, pod.lease == Lease::One && !shares))) {
            Use::Is(state) => self.bill_parts(id, state, span),
            Use::Serves => {
                self.bill_parts(id, GpuState::Serving, busy);
                self.bill_parts(id, GpuState::Idle, span - busy);
            }
            Use::Over => {}
        }
    }

    /// Time in which the GPUs of a unit worked, up to now.
    fn busy_of(&self, unit: UnitId) -> SimDuration {
        let unit = self.fleet.unit(unit);
        match unit.clock {
            Some(clock) => self.serving.clocks[clock].busy(self.agenda.now()),
            None => self.serving.servers[self.fleet.pod(unit.leader()).server].meter.busy,
        }
    }

    /// Splits GPU time among the owners of the pods on the GPUs, by the memory that they hold. The
    /// first owner by name gets the remainder.
    fn bill_parts(&mut self, unit: UnitId, state: GpuState, span: SimDuration) {
        for hold in &self.fleet.unit(unit).holds {
            let node = self.fleet.node(hold.node);
            let Node { pool, rate, .. } = *node;
            let gpus = hold.gpus.count_ones();
            let parts = node.parts(hold.gpus);
            let total: u128 = parts.iter().map(|part| u128::from(part.bytes.0).max(1)).sum();
            let share = |part: &Part| {
                SimDuration::from_ps((u128::from(span.as_ps()) * u128::from(part.bytes.0).max(1) / total) as u64)
            };
            let owner = |part: &Part| self.fleet.pod(part.pod).service();
            let given = parts.iter().fold(SimDuration::ZERO, |sum, part| sum + share(part));
            // Services are sorted by name; of two parts of one service the first gets the
            // remainder.
            let first = parts.iter().min_by_key(|part| owner(part)).map(|part| part.pod);
            for part in parts {
                let rest = if Some(part.pod) == first { span - given } else { SimDuration::ZERO };
                let line = BillLine { pool: pool.get(), rate, state, service: Some(owner(part).get()) };
                self.books.charge(line, gpus, share(part) + rest);
            }
        }
    }
}
