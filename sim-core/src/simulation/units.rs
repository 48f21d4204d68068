//! Units: pods that are placed on the same GPUs, as one, and billed together.

use super::Simulation;
use crate::clock::SimDuration;
use crate::fleet::Lease;
use crate::fleet::{Hold, Node, NodeRoom, Part, Parts, Unit, Use, place, use_of};
use crate::id::{DemandId, PoolId, ServerId, ServiceId, UnitId, ZoneId};
use crate::journal::PodChange;
use crate::ledger::{BillLine, GpuState};
use crate::serving::Clock;

impl Simulation {
    /// A pod of a service, and one of each service whose pods come with it.
    pub(super) fn new_unit(&mut self, service: ServiceId, demand: DemandId) -> UnitId {
        let now = self.agenda.now();
        let unit = self.fleet.units.insert(|_| Unit::new(demand, now));
        let mut pods = smallvec::smallvec![self.new_pod(service, unit)];
        for resident in self.services[service].kin.residents.clone() {
            pods.push(self.new_pod(resident, unit));
        }
        if pods.len() > 1 {
            let members: Vec<ServerId> = pods.iter().map(|&pod| self.fleet.pods[pod].server).collect();
            let clock = self.serving.clocks.insert(|_| Clock::new(members.clone(), now));
            for member in members {
                self.serving.servers[member].share(clock.slot());
            }
            self.fleet.units[unit].clock = Some(clock);
        }
        self.fleet.units[unit].live = pods.len() as u32;
        self.fleet.units[unit].pods = pods;
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

    /// Puts a unit that fits nowhere on the list that the node autoscaler reads.
    pub(super) fn wait_for_node(&mut self, unit: UnitId) {
        self.fleet.pending.push(unit);
        self.judge_newest();
        self.schedule_scan();
        self.notice_waiting();
    }

    /// Free room for a unit on ready nodes, by node; empty if it is too little.
    fn rooms(&self, unit: UnitId) -> Vec<NodeRoom> {
        let demand = self.fleet.demand_of(unit);
        let mut rooms = Vec::new();
        let mut groups = 0;
        for (&pool, preference) in demand.pools.iter().zip(0..) {
            for &id in &self.fleet.stock[pool].open {
                let node = &self.fleet.nodes[id];
                if !demand.suits(node.zone) {
                    continue;
                }
                let free_gpus = node.free.count_ones();
                groups += free_gpus / demand.shape.gpus().max(1);
                rooms.push(NodeRoom {
                    node: id,
                    free_gpus,
                    gpus: node.gpus(),
                    memory_per_gpu: self.fleet.pools[pool].memory_per_gpu,
                    related: 0,
                    preference,
                });
            }
        }
        if groups < demand.groups {
            return Vec::new();
        }
        rooms.sort_unstable_by_key(|room| (room.node, room.preference));
        // A pool that is named twice counts by its first place.
        rooms.dedup_by_key(|room| room.node);
        self.count_related(unit, &mut rooms);
        rooms
    }

    /// Counts the groups of the same service on each node.
    fn count_related(&self, unit: UnitId, rooms: &mut [NodeRoom]) {
        let service_of = |unit: UnitId| self.fleet.pods[self.fleet.units[unit].leader()].service();
        let own = service_of(unit);
        for room in rooms {
            let units = self.fleet.nodes[room.node].units();
            room.related = units.filter(|&unit| service_of(unit) == own).count() as u32;
        }
    }

    /// Places a unit on ready nodes, whole or not at all.
    pub(super) fn try_place(&mut self, id: UnitId) -> bool {
        let mut rooms = self.rooms(id);
        let demand = &self.fleet.demands[self.fleet.units[id].demand];
        let gpus = demand.shape.gpus();
        let Some(nodes) = place(demand, &mut rooms, self.fleet.placement.as_mut()) else { return false };
        let now = self.agenda.now();
        let parts: Parts = self.fleet.units[id].pods.iter().map(|&pod| self.part_of(pod)).collect();
        for node in nodes {
            self.bill_free_gpus(node);
            let gpus = self.fleet.nodes[node].take(id, gpus, &parts);
            self.fleet.units[id].holds.push(Hold { node, gpus });
            self.note_room(node);
        }
        let unit = &mut self.fleet.units[id];
        unit.placed = Some(now);
        unit.billed = now;
        let leader = unit.leader();
        let region = self.fleet.region_of(leader).map_or(0, |region| region.get() as u16);
        for part in &parts {
            let server = self.fleet.pods[part.pod].server;
            self.serving.servers[server].region = region;
        }
        self.note_pod(leader, PodChange::Placed);
        true
    }

    /// What a pod holds of each of its GPUs.
    fn part_of(&self, pod: crate::id::PodId) -> Part {
        let service = self.fleet.pods[pod].service();
        Part { pod, bytes: self.services[service].config.memory_per_gpu }
    }

    /// Starts the start-up of the pods of a unit that has been placed.
    pub(super) fn begin_start(&mut self, unit: UnitId) {
        for pod in self.fleet.units[unit].pods.clone() {
            self.begin_stage(pod, 0);
        }
    }

    /// The zone of a pool's next node, of those where a unit may stand.
    pub(super) fn next_zone(&self, pool: PoolId, unit: UnitId) -> Option<ZoneId> {
        let demand = self.fleet.demand_of(unit);
        self.fleet.zone_where(pool, |zone| demand.suits(zone))
    }

    /// Frees the GPUs of a unit that has ended.
    pub(super) fn free_gpus(&mut self, unit: UnitId) {
        let holds = self.fleet.units[unit].holds.clone();
        for hold in &holds {
            self.bill_free_gpus(hold.node);
            self.fleet.nodes[hold.node].release(hold.gpus);
            self.note_room(hold.node);
            self.watch_idle(hold.node);
        }
        if !holds.is_empty() {
            self.place_pending();
        }
    }

    /// Bills a unit's GPUs up to now, in the state that they are in.
    pub(super) fn bill_unit(&mut self, id: UnitId) {
        let now = self.agenda.now();
        for pod in self.fleet.units[id].pods.clone() {
            self.settle_server(self.fleet.pods[pod].server);
        }
        let busy = self.busy_of(id);
        let unit = &mut self.fleet.units[id];
        let span = now.since(unit.billed);
        let busy = (busy - unit.billed_busy).min(span);
        unit.billed = now;
        unit.billed_busy += busy;
        let lives = unit.pods.iter().map(|&pod| &self.fleet.pods[pod]);
        // What a job alone does is work to its end; GPUs that several share drain while any of them does.
        match use_of(lives.map(|pod| (pod.life, pod.lease == Lease::One && unit.clock.is_none()))) {
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
        let unit = &self.fleet.units[unit];
        match unit.clock {
            Some(clock) => self.serving.clocks[clock].busy(self.agenda.now()),
            None => self.serving.servers[self.fleet.pods[unit.leader()].server].meter.busy,
        }
    }

    /// Splits GPU time among the owners of who stands on the GPUs, by the memory that they hold; what does
    /// not divide goes to the first by name.
    fn bill_parts(&mut self, unit: UnitId, state: GpuState, span: SimDuration) {
        for hold in &self.fleet.units[unit].holds {
            let node = &self.fleet.nodes[hold.node];
            let Node { pool, rate, .. } = *node;
            let gpus = hold.gpus.count_ones();
            let parts = node.parts(hold.gpus);
            let total: u128 = parts.iter().map(|part| u128::from(part.bytes.0).max(1)).sum();
            let share = |part: &Part| {
                SimDuration::from_ps((u128::from(span.as_ps()) * u128::from(part.bytes.0).max(1) / total) as u64)
            };
            let owner = |part: &Part| self.fleet.pods[part.pod].service();
            let given = parts.iter().fold(SimDuration::ZERO, |sum, part| sum + share(part));
            // Services are sorted by name.
            let first = parts.iter().map(owner).min();
            for part in parts {
                let rest = if Some(owner(part)) == first { span - given } else { SimDuration::ZERO };
                let line = BillLine { pool: pool.get(), rate, state, service: Some(owner(part).get()) };
                self.ledger.bill.add(line, gpus, share(part) + rest);
            }
        }
    }
}
