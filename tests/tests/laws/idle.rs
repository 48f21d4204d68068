//! A service with a pool of its own whom nobody calls and about whom nobody decides, put before all
//! others: every position moves by one, and nothing else may.

use flashcrowd_core::fleet::{PoolConfig, Region};
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::{
    Action, Autoscaler, Controller, Decision, Fault, FaultSource, Observation, SourceError, TimedFault, Wake,
};
use flashcrowd_core::serving::{Discipline, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_tests::kit::{pool, service};

/// The world with one more service and pool, of that name, before all others.
pub(crate) fn with_idle(mut world: World, name: &str) -> World {
    for service in &mut world.services {
        service.pools.iter_mut().for_each(|pool| *pool += 1);
        service.resident_on = service.resident_on.map(|owner| owner + 1);
    }
    for client in &mut world.clients {
        client.service += 1;
    }
    for route in &mut world.routes {
        route.cells.iter_mut().for_each(|cell| *cell += 1);
    }
    world.faults = world.faults.into_iter().map(|faults| Box::new(Moved(faults)) as Box<dyn FaultSource>).collect();
    world.controllers = world.controllers.into_iter().map(moved_policy).collect();
    // Its region is its own: after an outage, its replicas would wait for nodes, and the scan that this
    // causes tries the minima of all pools again, as a node autoscaler is one for all of them.
    let region = world.regions.len() as u32;
    world.regions.push(Region { name: name.into(), jurisdiction: "".into(), zones: vec!["a".into()] });
    let idle = PoolConfig {
        name: name.into(),
        region,
        min_nodes: 1,
        max_nodes: 2,
        idle_timeout: pool().minimum_charge,
        ..pool()
    };
    world.pools.insert(0, idle);
    let idle = ServiceConfig { initial_replicas: 3, ..service(name, Discipline::Slots { concurrency: 1 }) };
    world.services.insert(0, idle);
    world
}

/// What of a record may not move.
pub(crate) fn without_positions(record: &RunRecord, moved: u32) -> String {
    let mut record = record.clone();
    for client in &mut record.clients {
        client.service -= moved;
        client.served.iter_mut().for_each(|served| served.service -= moved);
    }
    record.decisions.iter_mut().for_each(|decision| decision.target.0 -= moved);
    let decisions =
        record.decisions.iter().map(|decision| (decision.at, decision.target, decision.before, decision.after));
    let decisions: Vec<_> = decisions.collect();
    let rows = record.series.iter_mut().filter_map(|row| {
        row.service = row.service.checked_sub(moved)?;
        Some(*row)
    });
    let rows: Vec<_> = rows.collect();
    let requests: Vec<_> =
        record.requests.iter().map(|request| (request.client, request.number, request.parts)).collect();
    let lives = record.replicas.iter().filter(|replica| replica.service >= moved);
    let lives: Vec<_> =
        lives.map(|replica| (replica.created, replica.ready, replica.gone, replica.completed)).collect();
    let services: Vec<_> =
        record.services[moved as usize..].iter().map(|service| (service.good, service.capacity)).collect();
    let whole = (record.digest, record.clients, decisions, rows, requests, lives, services, record.health);
    format!("{whole:#?}")
}

/// Faults of pools one position later.
struct Moved(Box<dyn FaultSource>);

impl FaultSource for Moved {
    fn next_fault(&mut self) -> Result<Option<TimedFault>, SourceError> {
        Ok(self.0.next_fault()?.map(|TimedFault { at, mut fault }| {
            if let Fault::Capacity { pool, .. } | Fault::Price { pool, .. } | Fault::Node { pool } = &mut fault {
                *pool += 1;
            }
            TimedFault { at, fault }
        }))
    }
}

/// A policy whose targets stand one position later than it thinks.
struct MovedPolicy(Box<dyn Autoscaler>);

fn moved_policy(mut controller: Controller) -> Controller {
    controller.targets.iter_mut().for_each(|watched| watched.target.0 += 1);
    controller.map(MovedPolicy).boxed()
}

impl Autoscaler for MovedPolicy {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let mut seen = seen.clone();
        seen.targets.iter_mut().for_each(|view| view.target.0 -= 1);
        if let Wake::Poke(target) = &mut seen.wake {
            target.0 -= 1;
        }
        let mut decision = self.0.decide(&seen);
        for action in &mut decision.actions {
            let (Action::SetReplicas { target, .. }
            | Action::RemoveReplicas { target, .. }
            | Action::CreateJobs { target, .. }
            | Action::SetMode { target, .. }) = action;
            target.0 += 1;
        }
        decision
    }
}
