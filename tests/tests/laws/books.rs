//! The laws themselves: what must hold between the parts of a record, and between it and the
//! history of its run.

use super::outside_books::{billed_by_price, gpu_time_by_price};
use super::worlds::{ClientSpec, SLO, WorldSpec};
use flashcrowd_core::journal::{Happening, Mark};
use flashcrowd_core::ledger::{Bill, GpuState, Latency, ReplicaRecord, RequestCounts, RunRecord};
use flashcrowd_core::ports::LatencyPart;
use flashcrowd_core::serving::Discipline;
use flashcrowd_core::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// A law that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A request was not counted exactly once.
    Requests,
    /// The bill is not the sum of its intervals.
    Bill,
    /// More GPUs were held than there are, or others than replicas hold.
    Gpus,
    /// Little's law.
    Little,
    /// A histogram does not hold the measured requests.
    Histograms,
    /// The parts of a latency are not the whole.
    Parts,
    /// What is measured is not what arrived after the warm-up.
    Measured,
    /// A replica or node lived in another order.
    Lives,
    /// A market held more nodes than it had.
    Capacity,
    /// A node was granted during an outage.
    Blocks,
    /// An attempt went where its client does not allow.
    Residency,
    /// Lost work was sent again too often, or not often enough.
    Requeues,
    /// A GPU held more than it has room for.
    Memory,
}

/// All laws.
pub(crate) fn check(spec: &WorldSpec, record: &RunRecord) -> Result<(), Violation> {
    let need = |holds: bool, violation| if holds { Ok(()) } else { Err(violation) };
    let requests = Requests::read(&record.history);
    need(requests_are_counted_once(record, &requests), Violation::Requests)?;
    need(the_bill_is_its_intervals(spec, record), Violation::Bill)?;
    need(gpus_are_not_overcommitted(spec, record), Violation::Gpus)?;
    need(lives_are_in_order(record), Violation::Lives)?;
    // By a route a request may end at any of its cells: they are taken together.
    let all: Vec<usize> = (0..spec.services.len()).collect();
    for services in all.chunks(if spec.outside.routed { all.len() } else { 1 }) {
        need(little(spec, record, services, &requests), Violation::Little)?;
        need(histograms_hold_the_measured(record, services, &requests), Violation::Histograms)?;
    }
    for service in all {
        need(parts_are_the_whole(record, service), Violation::Parts)?;
    }
    need(the_measured_are_those_after_the_warm_up(record, &requests), Violation::Measured)?;
    Ok(())
}

/// Requests of a history, by the name that the digest gives them: arrival, and end with outcome.
struct Requests(BTreeMap<u64, (SimTime, Option<(SimTime, u64)>)>, bool);

const COMPLETED: u64 = 1;

impl Requests {
    fn read(history: &[Happening]) -> Self {
        let mut requests: BTreeMap<u64, (SimTime, Option<(SimTime, u64)>)> = BTreeMap::new();
        let mut sound = true;
        for line in history {
            match line.mark {
                Mark::Arrival => sound &= requests.insert(line.who, (line.at, None)).is_none(),
                Mark::Outcome => match requests.get_mut(&line.who) {
                    Some((_, end @ None)) => *end = Some((line.at, line.what)),
                    _ => sound = false,
                },
                Mark::Decision | Mark::Fleet => {}
            }
        }
        Requests(requests, sound)
    }

    /// Those of one client; the digest puts its number above bit 44.
    fn of_client(&self, client: usize) -> impl Iterator<Item = &(SimTime, Option<(SimTime, u64)>)> {
        self.0.iter().filter(move |(who, _)| *who >> 44 == client as u64).map(|(_, request)| request)
    }

    fn of_services<'a>(
        &'a self,
        record: &'a RunRecord,
        services: &'a [usize],
    ) -> impl Iterator<Item = &'a (SimTime, Option<(SimTime, u64)>)> {
        let clients =
            record.clients.iter().enumerate().filter(move |(_, client)| services.contains(&(client.service as usize)));
        clients.flat_map(|(client, _)| self.of_client(client))
    }
}

fn requests_are_counted_once(record: &RunRecord, requests: &Requests) -> bool {
    let each = record.clients.iter().enumerate().all(|(i, client)| {
        let outcome = |outcome| requests.of_client(i).filter(|(_, end)| end.map(|end| end.1) == outcome).count() as u64;
        let counts = [
            client.requests.live_at_end,
            client.requests.completed,
            client.requests.rejected,
            client.requests.expired,
            client.requests.failed,
        ];
        let history = [None, Some(1), Some(2), Some(3), Some(4)].map(outcome);
        counts == history
            && counts.iter().sum::<u64>() == client.requests.arrived
            && client.attempts >= client.requests.completed
    });
    each && requests.1
}

/// GPU-picoseconds that the nodes of each pool have lived.
pub(crate) fn gpu_time_by_pool(spec: &WorldSpec, record: &RunRecord) -> Vec<u128> {
    let mut lived = vec![0_u128; spec.pools.len()];
    for node in &record.nodes {
        let life = node.gone.unwrap_or(record.ended).since(node.ordered);
        lived[node.pool as usize] += u128::from(life.as_ps()) * u128::from(spec.pools[node.pool as usize].gpus);
    }
    lived
}

fn the_bill_is_its_intervals(spec: &WorldSpec, record: &RunRecord) -> bool {
    let mut billed = vec![0_u128; spec.pools.len()];
    let mut minimum = vec![0_u128; spec.pools.len()];
    for (line, gpu_ps) in record.bill.lines() {
        let sums = if line.state == GpuState::Minimum { &mut minimum } else { &mut billed };
        sums[line.pool as usize] += gpu_ps;
    }
    let mut added = vec![0_u128; spec.pools.len()];
    for node in &record.nodes {
        let pool = &spec.pools[node.pool as usize];
        let life = node.gone.unwrap_or(record.ended).since(node.ordered);
        let missing = SimDuration::from_s(pool.minimum_s).saturating_sub(life);
        added[node.pool as usize] += u128::from(missing.as_ps()) * u128::from(pool.gpus);
    }
    let priced = billed_by_price(record) == gpu_time_by_price(spec, record);
    billed == gpu_time_by_pool(spec, record) && minimum == added && priced
}

fn gpus_are_not_overcommitted(spec: &WorldSpec, record: &RunRecord) -> bool {
    let mut held: BTreeMap<SimTime, u32> = BTreeMap::new();
    for row in &record.fleet {
        if row.gpus_held > row.ready * spec.pools[row.pool as usize].gpus {
            return false;
        }
        *held.entry(row.at).or_default() += row.gpus_held;
    }
    for row in &record.series {
        let service = &spec.services[row.service as usize];
        let replicas = match spec.owner(1) {
            None => row.ready + row.starting + row.draining,
            Some(_) if row.service == 1 => 0,
            Some(_) => shared_groups(record, row.at),
        };
        let Some(left) = held.get_mut(&row.at) else { return false };
        let Some(rest) = left.checked_sub(replicas * service.gpus * service.groups) else { return false };
        *left = rest;
    }
    held.values().all(|&left| left == 0)
}

/// Replicas of the first service that hold GPUs, or whose residents do: each stands behind its owner.
fn shared_groups(record: &RunRecord, at: SimTime) -> u32 {
    let holds = |replica: &ReplicaRecord| {
        replica.placed.is_some_and(|placed| placed <= at) && replica.gone.is_none_or(|gone| gone > at)
    };
    record.replicas.chunks(2).filter(|members| members.iter().any(holds)).count() as u32
}

fn lives_are_in_order(record: &RunRecord) -> bool {
    let in_order = |times: &[Option<SimTime>]| {
        let known: Vec<SimTime> = times.iter().flatten().copied().collect();
        known.is_sorted() && known.iter().all(|&at| at <= record.ended)
    };
    let replicas = record.replicas.iter().all(|replica| {
        let mut times = vec![Some(replica.created), replica.placed];
        times.extend(replica.stage_ends.iter().copied().map(Some));
        times.extend([replica.ready, replica.deleted, replica.gone]);
        in_order(&times)
    });
    replicas && record.nodes.iter().all(|node| in_order(&[Some(node.ordered), node.ready, node.gone]))
}

/// Picoseconds of a printed span; exact below two hours.
fn exact_ps(seconds: f64) -> u128 {
    u128::from(SimDuration::from_s_f64(seconds).as_ps())
}

/// The integral of attempts in flight is the sum of the times that they spent there. What a
/// record shows of single attempts are their requests: without retries an attempt lives at least
/// as long as its request, and exactly as long if a time-out takes it out at once.
fn little(spec: &WorldSpec, record: &RunRecord, services: &[usize], requests: &Requests) -> bool {
    let levels = services.iter().flat_map(|&service| record.services[service].occupancy_s.iter().zip(0_u128..));
    let integral: u128 = levels.clone().map(|(&seconds, n)| n * exact_ps(seconds)).sum();
    let whole: u128 = levels.map(|(&seconds, _)| exact_ps(seconds)).sum();
    let present = |(arrived, end): &(SimTime, Option<(SimTime, u64)>)| {
        u128::from(end.map_or(record.ended, |end| end.0).since(*arrived).as_ps())
    };
    let spent: u128 = requests.of_services(record, services).map(present).sum();
    let clients: Vec<&ClientSpec> = spec.clients.iter().filter(|client| services.contains(&client.service)).collect();
    let single = clients.iter().all(|client| client.retries == 0);
    let times_out = |client: &&ClientSpec| client.timeout_ms.is_some() || client.attempt_timeout_ms.is_some();
    let lingers = spec.outside.routed
        || services.iter().map(|&service| &spec.services[service]).any(|service| {
            let engines = matches!(service.discipline, Discipline::DynamicBatch(_) | Discipline::ContinuousBatch(_));
            service.hop_s.is_some() || engines
        })
        || clients.iter().any(|client| !client.cancel);
    let exact = single && !(lingers && clients.iter().any(times_out));
    whole == u128::from(record.ended.as_ps()) * services.len() as u128
        && (!exact || integral == spent)
        && (!single || integral >= spent)
}

fn histograms_hold_the_measured(record: &RunRecord, services: &[usize], requests: &Requests) -> bool {
    let measured = |request: &&(SimTime, Option<(SimTime, u64)>)| request.0 >= record.warmup;
    let ended = |completed: bool| {
        let matching = requests
            .of_services(record, services)
            .filter(measured)
            .filter(|(_, end)| end.is_some_and(|(_, outcome)| (outcome == COMPLETED) == completed));
        matching.count() as u64
    };
    let latencies = || services.iter().map(|&service| &record.services[service].latency);
    let lengths = latencies().fold([0; 4], |sum: [u64; 4], latency| {
        let parts = [LatencyPart::EndToEnd, LatencyPart::Queue, LatencyPart::ColdStart, LatencyPart::Service];
        let own = parts.map(|part| latency.count(part));
        [0, 1, 2, 3].map(|i| sum[i] + own[i])
    });
    // A request without an answer at the end counts if it is too old for the SLO.
    let too_old =
        |request: &&(SimTime, Option<(SimTime, u64)>)| request.1.is_none() && record.ended.since(request.0) > SLO;
    let unanswered = requests.of_services(record, services).filter(measured).filter(too_old).count() as u64;
    let judged = ended(true) + ended(false) + unanswered;
    let slo = |latency: &Latency| latency.slos.first().copied().unwrap_or_default();
    let judged = latencies().map(|latency| slo(latency).good + slo(latency).bad).sum::<u64>() == judged;
    let late = latencies().all(|latency| latency.late.iter().sum::<u64>() == slo(latency).bad);
    lengths == [ended(true); 4] && judged && late
}

/// The parts of each completed request are its end-to-end latency, and their sums that of all.
fn parts_are_the_whole(record: &RunRecord, service: usize) -> bool {
    const PARTS: [LatencyPart; 6] = [
        LatencyPart::Retries,
        LatencyPart::Network,
        LatencyPart::Queue,
        LatencyPart::ColdStart,
        LatencyPart::NoCapacity,
        LatencyPart::Service,
    ];
    let each = record.requests.iter().all(|request| {
        let whole = request.ended.since(request.arrived);
        let retried = |retries: SimDuration| retries.is_zero() || request.tries > 1;
        request.parts.is_none_or(|parts| parts.sum() == whole && retried(parts.retries))
    });
    let latency = &record.services[service].latency;
    let sums = PARTS.iter().map(|&part| latency.sum_ps(part)).sum::<u128>();
    let whole = latency.sum_ps(LatencyPart::EndToEnd);
    let longest = latency.max_us(LatencyPart::EndToEnd).unwrap_or(0);
    each && sums == whole && latency.quantile_us(LatencyPart::EndToEnd, 1.0).unwrap_or(0) == longest
}

/// Counts of the measured requests are those of the history, no service has more good and late ones than
/// were judged, and no line of the bill was higher when the warm-up ended.
fn the_measured_are_those_after_the_warm_up(record: &RunRecord, requests: &Requests) -> bool {
    let counts = record.clients.iter().enumerate().all(|(at, client)| {
        let of = |outcome: Option<u64>| {
            let ended = requests.of_client(at).filter(|request| request.0 >= record.warmup);
            ended.filter(|(_, end)| end.map(|end| end.1) == outcome).count() as u64
        };
        let [live_at_end, completed, rejected, expired, failed] = [None, Some(1), Some(2), Some(3), Some(4)].map(of);
        let arrived = live_at_end + completed + rejected + expired + failed;
        client.measured == RequestCounts { arrived, completed, rejected, expired, failed, live_at_end }
    });
    let services = record.services.iter().all(|service| {
        let (tokens, measured) = (service.tokens, service.measured_tokens);
        let slo = service.latency.slos.first().copied().unwrap_or_default();
        service.good == slo.good && measured[0] <= tokens[0] && measured[1] <= tokens[1]
    });
    let lines = |bill: &Bill| bill.lines().map(|(_, gpu_ps)| gpu_ps).sum::<u128>();
    let rest = record.bill.since(&record.warmup_bill);
    counts && services && lines(&record.warmup_bill) + lines(&rest) == lines(&record.bill)
}
