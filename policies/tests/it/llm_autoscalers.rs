//! `AIBrix`, WVA and Dynamo behind the port, on observations built by hand.

use crate::support::{batch, explanation, replicas_of, view};
use flashcrowd_core::ports::{
    Autoscaler, Batch, Controller, Decision, Observation, ReplicaId, TargetId, TargetView, Wake,
};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::autoscalers::{aibrix, dynamo, wva};
use proptest::prelude::*;
use std::collections::BTreeMap;

const TARGET: TargetId = TargetId(0);

fn per_replica(at: SimTime, values: &[f64]) -> Vec<Batch> {
    let samples: Vec<(Option<u32>, f64)> = (0..).zip(values).map(|(id, value)| (Some(id), *value)).collect();
    vec![batch(at, &samples)]
}

// AIBrix

fn podautoscaler(strategy: &str, quirks: aibrix::Quirks) -> aibrix::Aibrix {
    let text = format!(
        "apiVersion: autoscaling.aibrix.ai/v1alpha1\nkind: PodAutoscaler\nmetadata: {{name: llama}}\nspec:\n  \
         scaleTargetRef: {{kind: Deployment, name: llama}}\n  maxReplicas: 10\n  scalingStrategy: {strategy}\n  \
         metricsSources: [{{metricSourceType: pod, protocolType: http, port: '8000', path: metrics, \
         targetMetric: num_requests_waiting, targetValue: '10'}}]\n"
    );
    let spec = aibrix::manifest::read(text.as_bytes(), None).expect("accepted");
    let (bound, _) = aibrix::bind(&spec, &BTreeMap::new()).expect("a known name");
    aibrix::Aibrix::new(aibrix::AibrixOptions { quirks, ..aibrix::AibrixOptions::new(spec, TARGET, bound) }).policy
}

fn aibrix_at(policy: &mut aibrix::Aibrix, at_s: u64, replicas: u32, value: f64) -> Decision {
    let now = SimTime::from_s(at_s);
    let values = vec![value; replicas as usize];
    let seen = view(TARGET, replicas, replicas, vec![Some(per_replica(now, &values))]);
    policy.decide(&Observation { now, wake: Wake::Tick, targets: vec![seen] })
}

#[test]
fn aibrix_scales_by_the_mean_a_pod_and_says_why() {
    let mut policy = podautoscaler("APA", aibrix::Quirks::FAITHFUL);
    let decision = aibrix_at(&mut policy, 10, 2, 100.0);
    assert_eq!(replicas_of(&decision, TARGET), Some(4));
    let why = explanation(&decision);
    assert_eq!((why.metrics[0].current, why.metrics[0].proposal), (Some(100.0), Some(20)));
    assert_eq!((why.limits[0].name, why.limits[0].before, why.limits[0].after), ("ScaleRates", 20, 4));
    assert_eq!(replicas_of(&aibrix_at(&mut policy, 20, 20, 10.0), TARGET), Some(10));
    assert_eq!(replicas_of(&aibrix_at(&mut policy, 30, 0, 10.0), TARGET), None);
}

#[test]
fn aibrix_cooldown_hastens_in_the_faithful_variant_and_holds_in_the_fixed_one() {
    let run = |quirks| {
        let mut policy = podautoscaler("APA", quirks);
        let mut recommended = |at_s, value| replicas_of(&aibrix_at(&mut policy, at_s, 8, value), TARGET);
        [recommended(10, 10.0), recommended(20, 1.0), recommended(330, 8.5), recommended(400, 8.5)]
    };
    // The low recommendation of 20 s is followed at once, and no longer in the window at 330 s.
    assert_eq!(run(aibrix::Quirks::FAITHFUL), [None, Some(5), Some(7), Some(7)]);
    // That of 10 s holds for five minutes.
    assert_eq!(run(aibrix::Quirks::FIXED), [None, None, Some(7), Some(7)]);
    let mut policy = podautoscaler("APA", aibrix::Quirks::FAITHFUL);
    aibrix_at(&mut policy, 10, 8, 1.0);
    // The long average allows 7 again; the smallest of the window is still 4.
    assert_eq!(replicas_of(&aibrix_at(&mut policy, 250, 8, 8.5), TARGET), Some(4));
}

#[test]
fn aibrix_without_metrics_holds() {
    let mut policy = podautoscaler("KPA", aibrix::Quirks::FAITHFUL);
    let seen = view(TARGET, 3, 3, vec![None]);
    let decision = policy.decide(&Observation { now: SimTime::from_s(10), wake: Wake::Tick, targets: vec![seen] });
    assert_eq!((decision.actions.len(), explanation(&decision).metrics[0].current), (0, None));
}

// WVA

fn model() -> wva::Model {
    let variant = |name: &str, cost| wva::Variant {
        name: name.to_owned(),
        target: name.to_owned(),
        cost,
        min_replicas: None,
        max_replicas: Some(4),
    };
    wva::Model {
        id: "llama".to_owned(),
        variants: vec![variant("a100", 10.0), variant("h100", 40.0)],
        thresholds: wva::Thresholds::default(),
        warnings: vec![],
    }
}

fn saturation(effect: wva::Effect) -> Controller<wva::Wva> {
    let targets = [("a100".to_owned(), TargetId(1)), ("h100".to_owned(), TargetId(0))];
    let options = wva::WvaOptions::new(model(), targets.into_iter().collect());
    wva::Wva::new(wva::WvaOptions { effect, ..options }).expect("a target each")
}

fn wva_at(policy: &mut wva::Wva, at_s: u64, h100: (u32, f64), a100: (u32, f64)) -> Decision {
    let now = SimTime::from_s(at_s);
    let one = |target, (replicas, kv): (u32, f64)| {
        let kv = per_replica(now, &vec![kv; replicas as usize]);
        let mut seen =
            view(target, replicas, replicas, vec![Some(kv), Some(per_replica(now, &vec![0.0; replicas as usize]))]);
        // Ids are used once in a run.
        for replica in &mut seen.replicas {
            replica.id.0 += target.0 * 100;
        }
        for sample in seen.signals.iter_mut().flat_map(|s| s.batches.iter_mut().flatten()).flat_map(|b| &mut b.samples)
        {
            sample.replica = sample.replica.map(|id| ReplicaId(id.0 + target.0 * 100));
        }
        seen
    };
    let targets = vec![one(TargetId(0), h100), one(TargetId(1), a100)];
    policy.decide(&Observation { now, wake: Wake::Tick, targets })
}

#[test]
fn wva_grows_the_cheapest_and_shrinks_the_dearest() {
    let controller = saturation(wva::Effect::Apply);
    assert_eq!(controller.targets.iter().map(|watched| watched.target.0).collect::<Vec<_>>(), [0, 1]);
    let mut policy = controller.policy;
    let up = wva_at(&mut policy, 60, (2, 75.0), (2, 75.0));
    assert_eq!((replicas_of(&up, TargetId(0)), replicas_of(&up, TargetId(1))), (None, Some(3)));
    for target in [0, 1].map(TargetId) {
        let why = up.explanation(target).expect("each is explained");
        assert!(why.reason.contains("cheapest variant a100"));
    }
    let down = wva_at(&mut policy, 120, (2, 5.0), (3, 5.0));
    assert_eq!((replicas_of(&down, TargetId(0)), replicas_of(&down, TargetId(1))), (Some(1), None));
    // Decided and not carried out: everything waits.
    let frozen = wva_at(&mut policy, 180, (2, 75.0), (3, 75.0));
    assert!(frozen.explanation(TargetId(1)).expect("explained").reason.contains("h100 is on its way"));
}

#[test]
fn wva_may_only_publish_and_keeps_within_bounds() {
    let mut policy = saturation(wva::Effect::Publish).policy;
    let decision = wva_at(&mut policy, 60, (1, 75.0), (4, 75.0));
    assert!(decision.actions.is_empty());
    let values: Vec<f64> = decision.metrics.iter().map(|metric| metric.value).collect();
    assert_eq!(values, [1.0, 4.0]);
    let limits = |target| decision.explanation(TargetId(target)).expect("explained").limits.as_slice();
    assert_eq!((limits(0).len(), limits(1).len(), limits(1)[0].name), (0, 1, "Bounds"));
    let missing = wva::Wva::new(wva::WvaOptions::new(model(), BTreeMap::new()));
    assert!(missing.expect_err("no targets").to_string().contains("`a100` has no target"));
}

// Dynamo

fn planner(text: &str) -> Result<dynamo::DynamoPlanner, dynamo::PlannerError> {
    let config = dynamo::config::read(text.as_bytes()).expect("accepted");
    let engines = |target| dynamo::Engines {
        target: TargetId(target),
        context_length: Some(8_000.0),
        max_kv_tokens: Some(100_000.0),
        gpus: 2,
    };
    let prefill = config.mode.has_prefill().then(|| engines(0));
    let decode = config.mode.has_decode().then(|| engines(1));
    let options = dynamo::DynamoOptions { name: "llm".to_owned(), config, prefill, decode, phase: None };
    dynamo::DynamoPlanner::new(options).map(|controller| controller.policy)
}

fn plan(policy: &mut dynamo::DynamoPlanner, views: Vec<TargetView>) -> Decision {
    policy.decide(&Observation { now: SimTime::from_s(5), wake: Wake::Tick, targets: views })
}

fn tokens(values: &[f64]) -> Vec<Batch> {
    per_replica(SimTime::from_s(5), values)
}

#[test]
fn dynamo_scales_each_role_within_the_gpu_budget() {
    let mut policy = planner("{mode: disagg, max_gpu_budget: 8}").expect("feasible");
    let prefill = |queued: &[f64]| view(TargetId(0), 2, 2, vec![Some(tokens(queued))]);
    let decode = |kv: &[f64]| view(TargetId(1), 2, 2, vec![Some(tokens(kv)), Some(tokens(&[0.0, 0.0]))]);
    // Both want a third engine of two GPUs: the budget has room for four.
    let decision = plan(&mut policy, vec![prefill(&[9_000.0, 0.0]), decode(&[110_000.0, 0.0])]);
    assert!(decision.actions.is_empty(), "{decision:?}");
    for target in [0, 1].map(TargetId) {
        let why = decision.explanation(target).expect("each is explained");
        assert_eq!((why.limits.len(), why.limits[0].name, why.metrics.len()), (1, "GpuBudget", 1));
    }
    let decision = plan(&mut policy, vec![prefill(&[0.0, 0.0]), decode(&[110_000.0, 0.0])]);
    assert_eq!((replicas_of(&decision, TargetId(0)), replicas_of(&decision, TargetId(1))), (Some(1), Some(3)));
    let decision = plan(&mut policy, vec![view(TargetId(0), 2, 2, vec![None]), decode(&[70_000.0, 0.0])]);
    assert!(decision.actions.is_empty());
    let note = |target| &decision.explanation(TargetId(target)).expect("explained").metrics[0].note;
    assert_eq!((note(0).as_str(), note(1).as_str()), ("worker_count_mismatch", "no_change"));
}

#[test]
fn dynamo_drops_growth_while_engines_start_and_may_cancel_them() {
    let mut policy = planner("{mode: decode, optimization_target: latency}").expect("feasible");
    let seen = |kv: f64| {
        // One of two is ready.
        vec![view(TargetId(1), 2, 1, vec![Some(tokens(&[kv])), Some(tokens(&[0.0]))])]
    };
    let decision = plan(&mut policy, seen(90_000.0));
    assert!(decision.actions.is_empty());
    assert!(explanation(&decision).metrics[0].note.contains("engines are starting"));
    let decision = plan(&mut policy, seen(1_000.0));
    assert_eq!(replicas_of(&decision, TargetId(1)), Some(1));
    assert_eq!(explanation(&decision).reason, "startups_cancelled");
}

#[test]
fn dynamo_refuses_what_cannot_be_and_only_tells_when_advisory() {
    let error = planner("{mode: disagg, max_gpu_budget: 7, min_endpoint: 2}").expect_err("infeasible");
    assert!(error.to_string().contains("max_gpu_budget"));
    let mut policy = planner("{mode: agg, advisory: true}").expect("feasible");
    let seen = view(TargetId(1), 1, 1, vec![Some(tokens(&[200_000.0])), Some(tokens(&[0.0])), Some(tokens(&[0.0]))]);
    let decision = plan(&mut policy, vec![seen]);
    assert_eq!((decision.actions.len(), explanation(&decision).metrics[0].proposal), (0, Some(2)));
}

// Laws

proptest! {
    #[test]
    fn any_observations_give_the_same_decisions_twice_and_no_panic(
        steps in proptest::collection::vec(
            (0_u64..200, 0_u32..12, 0_u32..12, proptest::num::f64::ANY, any::<bool>(), any::<bool>()), 1..30),
    ) {
        let policies = || -> Vec<Box<dyn Autoscaler>> {
            vec![
                Box::new(podautoscaler("KPA", aibrix::Quirks::FIXED)),
                Box::new(podautoscaler("APA", aibrix::Quirks::FAITHFUL)),
                Box::new(saturation(wva::Effect::Apply).policy),
                Box::new(planner("{mode: agg, max_gpu_budget: 12}").expect("feasible")),
            ]
        };
        let (mut first, mut second) = (policies(), policies());
        let mut now = SimTime::ZERO;
        for (wait, spec, ready, value, poke, missing) in steps {
            now += SimDuration::from_ms(wait * 100);
            let one = |target: u32| {
                let samples: Vec<(Option<u32>, f64)> = (0..spec).map(|id| (Some(id), value)).collect();
                let signal = || (!missing).then(|| vec![batch(now, &samples)]);
                view(TargetId(target), spec, ready.min(spec), vec![signal(), signal(), signal()])
            };
            let wake = if poke { Wake::Poke(TARGET) } else { Wake::Tick };
            let seen = Observation { now, wake, targets: vec![one(0), one(1)] };
            for (index, (a, b)) in first.iter_mut().zip(&mut second).enumerate() {
                let (decision, again) = (a.decide(&seen), b.decide(&seen));
                prop_assert_eq!(format!("{decision:?}"), format!("{again:?}"));
                let most = [10, 10, 4, 6][index];
                for target in [TargetId(0), TargetId(1)] {
                    prop_assert!(replicas_of(&decision, target).unwrap_or(0) <= most);
                }
            }
        }
    }
}
