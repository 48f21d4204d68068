//! Actions beyond a count: classes of replicas, jobs, the mode of a proxy; what is refused, and why.

use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::ledger::{DecisionRecord, RunRecord};
use flashcrowd_core::ports::{
    Action, Class, Controller, Decision, Explanation, Mode, Observation, ReplicaId, TargetId, Watched,
};
use flashcrowd_core::serving::{Discipline, QueueMode, ServiceConfig};
use flashcrowd_core::simulation::{Limits, World};
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_tests::kit::{Script, client, ends, listed, pool, run, service, world};
use std::sync::{Arc, Mutex};

const TARGET: TargetId = TargetId(0);

/// At which second, how many, of which class.
type Write = (u64, u32, fn() -> Class);

fn of(market: Market) -> Class {
    Class { market: Some(market), ..Class::default() }
}

/// Sets so many of each class at those seconds.
fn writes(plan: &'static [Write]) -> Controller {
    Script::every(1, Vec::new(), move |seen: &Observation| {
        let due = plan.iter().filter(|(at_s, ..)| SimTime::from_s(*at_s) == seen.now);
        let write = |&(_, replicas, class): &Write| Action::SetReplicas { target: TARGET, replicas, class: class() };
        Decision { actions: due.map(write).collect(), ..Decision::default() }
    })
}

fn two_markets() -> Vec<PoolConfig> {
    let spot = PoolConfig { name: "spot".into(), market: Market::Spot, min_nodes: 1, max_nodes: 1, ..pool() };
    vec![PoolConfig { min_nodes: 1, max_nodes: 1, ..pool() }, spot]
}

fn play(plan: &'static [Write]) -> RunRecord {
    let target =
        ServiceConfig { pools: vec![0, 1], initial_replicas: 0, ..service("s", Discipline::Slots { concurrency: 1 }) };
    run(World { pools: two_markets(), services: vec![target], controllers: vec![writes(plan)], ..world(60) })
}

/// Replicas of each market at a second.
fn at(record: &RunRecord, s: u64) -> [usize; 2] {
    let at = SimTime::from_s(s);
    let there = |pool: u32| {
        let replicas = record.replicas.iter().filter(|replica| {
            let node = replica.node.map(|node| record.nodes[node as usize].pool);
            node == Some(pool)
                && replica.placed.is_some_and(|placed| placed <= at)
                && replica.gone.is_none_or(|gone| gone > at)
        });
        replicas.count()
    };
    [there(0), there(1)]
}

#[test]
fn a_class_is_counted_by_itself_and_the_register_is_the_sum() {
    let record = play(&[
        (5, 3, || of(Market::Spot)),
        (10, 2, || of(Market::OnDemand)),
        (20, 1, || of(Market::Spot)),
        (30, 5, Class::default),
    ]);
    assert_eq!([7, 15, 25].map(|s| at(&record, s)), [[0, 3], [2, 3], [2, 1]]);
    assert_eq!(at(&record, 40).iter().sum::<usize>(), 5);
    let after: Vec<u32> = record.decisions.iter().map(|decision| decision.after).collect();
    assert_eq!([after[7], after[15], after[25], after[40]], [3, 5, 3, 5]);
}

fn named(name: &str) -> ServiceConfig {
    service(name, Discipline::Slots { concurrency: 1 })
}

/// A controller that decides this once, at 0 s.
fn once(decision: Decision) -> Controller {
    let mut decision = Some(decision);
    Script::every(1_000, Vec::new(), move |_: &Observation| decision.take().unwrap_or_default())
}

/// Each kind of action, about a target.
fn each_kind(target: u32) -> Vec<Action> {
    let target = TargetId(target);
    vec![
        Action::SetReplicas { target, replicas: 3, class: Class::default() },
        Action::SetReplicas { target, replicas: 3, class: of(Market::OnDemand) },
        Action::RemoveReplicas { target, replicas: vec![ReplicaId(1)] },
        Action::CreateJobs { target, jobs: 2 },
        Action::SetMode { target, mode: Mode::Proxy },
    ]
}

/// Decisions of the log: the target, its register after, and the reasons of what was refused, in words.
fn refusals(record: &RunRecord) -> Vec<(u32, u32, Vec<String>)> {
    let reasons = |decision: &DecisionRecord| decision.refused.iter().map(|(_, why)| why.to_string()).collect();
    record.decisions.iter().map(|decision| (decision.target.0, decision.after, reasons(decision))).collect()
}

/// So many times the same words.
fn times(count: usize, words: &str) -> Vec<String> {
    vec![words.to_owned(); count]
}

/// An action for a target that the controller does not have is in the log, and nothing comes of it.
#[test]
fn a_target_that_was_not_shown_is_refused_and_said() {
    let own = Decision::set_replicas(TARGET, 4).actions;
    let actions = [each_kind(1), each_kind(9), own].concat();
    let why = Explanation { reason: "for the other".to_owned(), ..Explanation::default() };
    let controller = once(Decision { actions, ..Decision::default() }.explained(TargetId(1), why));
    let record = run(World { services: vec![named("s"), named("t")], controllers: vec![controller], ..world(10) });
    let unseen = (1, 1, times(1, "the controller was not shown this target"));
    // What does not exist stands with the controller's own target.
    let unknown = (0, 1, times(1, "there is no such target"));
    let expected = [vec![unseen; 5], vec![unknown; 5], vec![(0, 4, vec![])]].concat();
    assert_eq!(refusals(&record), expected);
    let said: Vec<bool> = record.decisions.iter().map(|decision| decision.explanation.is_some()).collect();
    assert_eq!(said, [vec![true], vec![false; 10]].concat(), "what it says of the other stands with the first refusal");
    assert_eq!(record.replicas.iter().filter(|replica| replica.service == 1).count(), 1);
}

/// Each reason to refuse an action about the controller's own target.
#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let set = |replicas, class| Action::SetReplicas { target: TARGET, replicas, class };
    let remove = |replicas: &[u32]| Action::RemoveReplicas {
        target: TARGET,
        replicas: replicas.iter().map(|&id| ReplicaId(id)).collect(),
    };
    let actions = vec![
        set(11, Class::default()),
        set(11, of(Market::OnDemand)),
        set(1, of(Market::Spot)),
        remove(&[7]),
        remove(&[0, 0]),
        Action::CreateJobs { target: TARGET, jobs: 10 },
        set(2, Class::default()),
    ];
    let limits = Limits { replicas: 10, ..Limits::default() };
    let controllers = vec![once(Decision { actions, ..Decision::default() })];
    let record = run(World { services: vec![named("s")], controllers, limits, ..world(10) });
    let many = "more replicas than the limit `replicas` allows";
    let reasons = [
        many,
        many,
        "no pool of the target is of that class",
        "a named replica does not exist or is being deleted",
        "a replica is named twice",
        many,
    ];
    assert_eq!(refusals(&record), [(0, 2, reasons.map(str::to_owned).to_vec())]);
}

/// A resident has no replicas of its own: no action is about them.
#[test]
fn a_resident_refuses_each_kind() {
    let resident = ServiceConfig { resident_on: Some(1), ..named("s") };
    let controllers = vec![once(Decision { actions: each_kind(0), ..Decision::default() })];
    let record = run(World { services: vec![resident, named("t")], controllers, ..world(10) });
    let why = "the target has no replicas of its own: it is resident on those of another";
    assert_eq!(refusals(&record), [(0, 1, times(5, why))]);
}

/// A controller of two targets says why of each, and the log keeps both.
#[test]
fn each_targets_explanation_is_kept() {
    let words = |reason: &str| Explanation { reason: reason.to_owned(), ..Explanation::default() };
    let decision = Decision::set_replicas(TARGET, 2).explained(TARGET, words("more"));
    let mut controller = once(decision.explained(TargetId(1), words("enough")));
    controller.targets.push(Watched { target: TargetId(1), wants: Vec::new() });
    let record = run(World { services: vec![named("s"), named("t")], controllers: vec![controller], ..world(10) });
    let said: Vec<(u32, &str)> = record
        .decisions
        .iter()
        .filter_map(|decision| Some((decision.target.0, decision.explanation.as_ref()?.reason.as_str())))
        .collect();
    assert_eq!(said, [(0, "more"), (1, "enough")]);
}

#[test]
fn a_class_that_no_pool_has_is_refused_and_said() {
    let record =
        play(&[(5, 1, || of(Market::Reserved)), (6, 1, || Class { gpu: Some("T4".into()), ..Class::default() })]);
    let refused: Vec<String> =
        record.decisions.iter().flat_map(|d| &d.refused).map(|(_, why)| why.to_string()).collect();
    assert_eq!(refused, ["no pool of the target is of that class"; 2]);
    assert!(record.replicas.is_empty());
}

#[test]
fn a_job_serves_one_request_and_ends() {
    let target = ServiceConfig {
        initial_replicas: 0,
        queue: QueueMode::Shared { capacity: u32::MAX },
        ..service("s", Discipline::Slots { concurrency: 4 })
    };
    let jobs = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&jobs);
    let controller = Script::every(1, Vec::new(), move |now: &Observation| {
        seen.lock().expect("one thread").push(now.targets[0].jobs.running);
        let jobs = if now.now == SimTime::from_s(5) { 3 } else { 0 };
        Decision { actions: vec![Action::CreateJobs { target: TARGET, jobs }], ..Decision::default() }
    });
    // Two requests wait when three jobs come: the third ends at once.
    let record = run(World {
        services: vec![target],
        clients: vec![client("c", listed(&[(1_000, 7_000), (2_000, 3_000)]))],
        controllers: vec![controller],
        pools: vec![PoolConfig { min_nodes: 1, ..pool() }],
        ..world(30)
    });
    let ended: Vec<u64> = ends(&record).iter().map(|end| end.expect("served").1.as_ps() / 1_000_000_000_000).collect();
    assert_eq!(ended, [12, 8]);
    assert_eq!(record.replicas.iter().map(|replica| replica.completed).sum::<u64>(), 2);
    assert!(record.replicas.iter().all(|replica| replica.gone.is_some()));
    let jobs = jobs.lock().expect("done");
    assert_eq!([jobs[5], jobs[6], jobs[9], jobs[13]], [0, 2, 1, 0]);
    assert!(record.services[0].ups == 0, "jobs are not in the register");
}

/// What has ended is forgotten: a job a second for an hour needs no more room than those that live at once.
#[test]
fn jobs_that_have_ended_take_no_room() {
    let target = ServiceConfig {
        initial_replicas: 0,
        queue: QueueMode::Shared { capacity: u32::MAX },
        ..service("s", Discipline::Slots { concurrency: 1 })
    };
    let controller = Script::every(1, Vec::new(), move |_: &Observation| Decision {
        actions: vec![Action::CreateJobs { target: TARGET, jobs: 1 }],
        ..Decision::default()
    });
    let requests: Vec<(u64, u64)> = (0..3_600).map(|s| (s * 1_000 + 500, 2_500)).collect();
    let record = run(World {
        services: vec![target],
        clients: vec![client("c", listed(&requests))],
        controllers: vec![controller],
        pools: vec![PoolConfig { min_nodes: 1, ..pool() }],
        ..world(3_610)
    });
    assert_eq!(record.clients[0].requests.completed, 3_600);
    assert!(record.replicas.len() >= 3_600, "{}", record.replicas.len());
    assert!(record.work.peak_pods < 10, "{}", record.work.peak_pods);
    // Their records are whole, and in the order in which they were made.
    assert!(record.replicas.iter().all(|replica| replica.gone.is_some()));
    assert!(record.replicas.is_sorted_by_key(|replica| replica.created));
}

#[test]
fn a_mode_stays_and_a_probe_says_for_how_long() {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    let controller = Script::every(1, Vec::new(), move |now: &Observation| {
        let view = &now.targets[0];
        seen.lock().expect("one thread").push((view.mode, view.probe.and_then(|probe| probe.populated_for)));
        let mode = if now.now < SimTime::from_s(3) || now.now > SimTime::from_s(8) { Mode::Serve } else { Mode::Proxy };
        Decision { actions: vec![Action::SetMode { target: TARGET, mode }], ..Decision::default() }
    });
    let target = service("s", Discipline::Slots { concurrency: 1 });
    run(World { services: vec![target], controllers: vec![controller], ..world(12) });
    let shown = shown.lock().expect("done");
    assert_eq!(shown[3], (Mode::Serve, None));
    assert_eq!(shown[4], (Mode::Proxy, Some(SimDuration::from_s(1))));
    assert_eq!(shown[9], (Mode::Proxy, Some(SimDuration::from_s(6))));
    assert_eq!(shown[10], (Mode::Serve, None));
}
