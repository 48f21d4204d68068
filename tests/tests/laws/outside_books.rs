//! Laws of what surrounds a world: markets, outages, residency, work that is lost with its node.

use super::books::Violation;
use super::worlds::{WorldSpec, needs_gib};
use flashcrowd_core::SimTime;
use flashcrowd_core::ledger::{GpuState, NodeRecord, RunRecord};
use flashcrowd_core::ports::{Area, Fault};
use flashcrowd_core::traffic::Outcome;
use flashcrowd_core::units::PicoUsdPerHour;
use flashcrowd_tests::kit::{ms, pool};
use std::collections::BTreeMap;

/// All of them.
pub(crate) fn check_outside(spec: &WorldSpec, record: &RunRecord) -> Result<(), Violation> {
    let need = |holds: bool, violation| if holds { Ok(()) } else { Err(violation) };
    need(markets_hold_no_more_than_they_have(spec, record), Violation::Capacity)?;
    need(nothing_is_granted_in_an_outage(spec, record), Violation::Blocks)?;
    need(jurisdiction_holds(spec, record), Violation::Residency)?;
    need(lost_work_comes_back_as_often_as_it_may(spec, record), Violation::Requeues)?;
    need(memory_is_not_overcommitted(spec, record), Violation::Memory)
}

/// GPU-picoseconds by pool and price: lives of nodes, cut where prices change.
pub(crate) fn gpu_time_by_price(spec: &WorldSpec, record: &RunRecord) -> BTreeMap<(u32, PicoUsdPerHour), u128> {
    let mut lived = BTreeMap::new();
    for node in &record.nodes {
        let end = node.gone.unwrap_or(record.ended);
        let gpus = u128::from(spec.pools[node.pool as usize].gpus);
        let (mut from, mut price) = (node.ordered, pool().price);
        for fault in &record.faults {
            if let Fault::Price { pool, zone, price: next } = fault.fault
                && (pool, zone) == (node.pool, node.zone)
            {
                let at = fault.at.clamp(node.ordered, end);
                *lived.entry((node.pool, price)).or_default() += u128::from(at.since(from).as_ps()) * gpus;
                (from, price) = (at, next);
            }
        }
        *lived.entry((node.pool, price)).or_default() += u128::from(end.since(from).as_ps()) * gpus;
    }
    lived.retain(|_, gpu_ps| *gpu_ps > 0);
    lived
}

/// The same as it was billed.
pub(crate) fn billed_by_price(record: &RunRecord) -> BTreeMap<(u32, PicoUsdPerHour), u128> {
    let mut billed = BTreeMap::new();
    for (line, gpu_ps) in record.bill.lines().filter(|(line, _)| line.state != GpuState::Minimum) {
        *billed.entry((line.pool, record.bill.price_of(line.rate))).or_default() += gpu_ps;
    }
    billed
}

/// Until when a node counts against its market: it does not once that has taken it back.
fn counts_until(spec: &WorldSpec, record: &RunRecord, node: &NodeRecord) -> SimTime {
    let taken = node.reclaimed.map(|at| at.back(ms(spec.outside.notice_ms)));
    let gone = node.gone.unwrap_or(record.ended);
    taken.map_or(gone, |at| at.min(gone))
}

/// After all that happens at an instant, a zone's nodes are at most its capacity; those of the on-demand
/// pool may stay beyond it, but none may come.
fn markets_hold_no_more_than_they_have(spec: &WorldSpec, record: &RunRecord) -> bool {
    let mut places: Vec<(u32, u32)> = record.nodes.iter().map(|node| (node.pool, node.zone)).collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().all(|(pool, zone)| {
        // At each instant: what comes less what goes, and the capacity if it changes.
        let mut changes: BTreeMap<SimTime, (i64, Option<u32>)> = BTreeMap::new();
        for node in record.nodes.iter().filter(|node| (node.pool, node.zone) == (pool, zone)) {
            changes.entry(node.ordered).or_default().0 += 1;
            changes.entry(counts_until(spec, record, node)).or_default().0 -= 1;
        }
        for fault in &record.faults {
            if let Fault::Capacity { pool: of, zone: at, nodes } = fault.fault
                && (of, at) == (pool, zone)
            {
                changes.entry(fault.at).or_default().1 = Some(nodes);
            }
        }
        let (mut held, mut capacity) = (0_i64, i64::MAX);
        let comes = |at: SimTime| {
            let here = record.nodes.iter().filter(|node| (node.pool, node.zone) == (pool, zone));
            here.map(|node| node.ordered).any(|ordered| ordered == at)
        };
        changes.iter().all(|(&at, (step, change))| {
            held += step;
            capacity = change.map_or(capacity, i64::from);
            (0..=capacity).contains(&held) || (pool == 0 && held > capacity && !comes(at))
        })
    })
}

fn nothing_is_granted_in_an_outage(spec: &WorldSpec, record: &RunRecord) -> bool {
    let covers = |area: Area, node: &NodeRecord| {
        area.region == spec.region_of_pool(node.pool as usize) && area.zone.is_none_or(|zone| zone == node.zone)
    };
    record.nodes.iter().all(|node| {
        let blocks = record.faults.iter().filter(|fault| fault.at <= node.ordered).fold(0_i32, |blocks, fault| {
            match fault.fault {
                Fault::Block { area, begins } if covers(area, node) => blocks + if begins { 1 } else { -1 },
                _ => blocks,
            }
        });
        blocks <= 0
    })
}

/// Attempts are sent to allowed regions only, and all of them are accounted for; requests are completed there.
fn jurisdiction_holds(spec: &WorldSpec, record: &RunRecord) -> bool {
    if !spec.outside.routed {
        return true;
    }
    let sent = record.clients.iter().enumerate().all(|(i, client)| {
        let allowed = spec.allowed(i);
        let there = client.served.iter().all(|served| allowed.contains(&spec.home(served.service as usize)));
        let attempts: u64 = client.served.iter().map(|served| served.attempts).sum();
        let completed: u64 = client.served.iter().map(|served| served.completed).sum();
        there && attempts == client.attempts && completed == client.requests.completed
    });
    let region = |replica: u32| {
        let node = record.replicas[replica as usize].node.map(|node| record.nodes[node as usize].pool);
        node.map(|pool| spec.region_of_pool(pool as usize))
    };
    let completed = record.requests.iter().filter_map(|request| Some((request.client, request.replica?)));
    let mut at = completed.map(|(client, replica)| (spec.allowed(client as usize), region(replica)));
    sent && at.all(|(allowed, region)| region.is_some_and(|region| allowed.contains(&region)))
}

fn lost_work_comes_back_as_often_as_it_may(spec: &WorldSpec, record: &RunRecord) -> bool {
    let requeues = spec.outside.requeues;
    let within = record.requests.iter().all(|request| {
        let client = &spec.clients[request.client as usize];
        // Nobody gives up work that it may send again; on the way to a region it is lost to its client.
        let spent = spec.outside.routed
            || client.retries > 0
            || request.outcome != Outcome::Failed
            || request.tries == 1 + requeues;
        request.tries <= 1 + client.retries + requeues && spent
    });
    let again: u64 = record.services.iter().map(|service| service.capacity.requeued).sum();
    let attempts: u64 = record.clients.iter().map(|client| client.attempts - client.requests.arrived).sum();
    let single = spec.clients.iter().all(|client| client.retries == 0);
    within && again <= attempts && (!single || again == attempts)
}

fn memory_is_not_overcommitted(spec: &WorldSpec, record: &RunRecord) -> bool {
    record.replicas.iter().all(|replica| {
        let service = replica.service as usize;
        let own = needs_gib(service);
        let beside = spec.owner(1).map_or(0, |_| needs_gib(1 - service));
        let pool = replica.node.map(|node| record.nodes[node as usize].pool as usize);
        pool.is_none_or(|pool| own + beside <= spec.memory_gib(pool))
    })
}
