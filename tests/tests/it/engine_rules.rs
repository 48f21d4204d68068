//! Engines with other rules than vLLM's: copies of the attention, prompts alone, looks at intervals, prompts that wait
//! for each other. Still the engine that plays each iteration, to the last bit.

use crate::engine::{Case, case, cases, equals_plain, group_equals_plain};
use crate::engine_parts::any_parts;
use flashcrowd_core::SimDuration;
use flashcrowd_core::serving::{
    Coefficients, EngineConfig, EngineConfigError, Knee, LawParts, Prefill, TimeModel, WarmUp,
};
use proptest::prelude::*;

/// Rules of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    replicas: u32,
    prefill: Prefill,
    receive_interval: u32,
    balance_iterations: u32,
}

impl Rules {
    const VLLM: Rules = Rules { replicas: 1, prefill: Prefill::Mixed, receive_interval: 1, balance_iterations: 0 };

    /// A case by these rules; its cache is large enough for each replica.
    pub(crate) fn of(self, mut case: Case) -> Case {
        let Rules { replicas, prefill, receive_interval, balance_iterations } = self;
        let blocks = case.config.blocks * u64::from(replicas);
        case.config = EngineConfig { replicas, prefill, receive_interval, balance_iterations, blocks, ..case.config };
        case
    }
}

fn prompts_alone() -> BoxedStrategy<Rules> {
    Just(Rules { prefill: Prefill::Alone, ..Rules::VLLM }).boxed()
}

fn replicas() -> BoxedStrategy<Rules> {
    (2_u32..6, prop_oneof![Just(0_u32), 1_u32..40])
        .prop_map(|(replicas, balance_iterations)| Rules { replicas, balance_iterations, ..Rules::VLLM })
        .boxed()
}

fn intervals() -> BoxedStrategy<Rules> {
    (2_u32..40).prop_map(|receive_interval| Rules { receive_interval, ..Rules::VLLM }).boxed()
}

/// A new engine: the first prompts stall it, and later ones again.
fn new_engine() -> impl Strategy<Value = Case> {
    let stall = (0_u64..1_500, 1_u64..900);
    let stall = stall.prop_map(|(after_ms, takes_ms)| WarmUp {
        after: SimDuration::from_ms(after_ms),
        takes: SimDuration::from_ms(takes_ms),
    });
    (any_rules(), case(any_parts()), prop::collection::vec(stall, 1..4)).prop_map(|(rules, case, warm_up)| {
        let mut case = rules.of(case);
        case.config.warm_up = warm_up;
        // It is ready when they come.
        for asked in &mut case.asked {
            asked.at += SimDuration::from_s(1).as_ps();
        }
        case
    })
}

pub(crate) fn any_rules() -> BoxedStrategy<Rules> {
    let all = (1_u32..6, any::<bool>(), 1_u32..30, 0_u32..30);
    all.prop_map(|(replicas, alone, receive_interval, balance_iterations)| {
        let prefill = if alone { Prefill::Alone } else { Prefill::Mixed };
        Rules { replicas, prefill, receive_interval, balance_iterations }
    })
    .boxed()
}

/// Rules of engines that may share GPUs.
pub(crate) fn sharing() -> BoxedStrategy<Rules> {
    any_rules().prop_map(|rules| Rules { replicas: 1, ..rules }).boxed()
}

fn ruled(rules: BoxedStrategy<Rules>) -> impl Strategy<Value = Case> {
    (rules, case(any_parts())).prop_map(|(rules, case)| rules.of(case))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn leaps_with_prompts_alone_equal_iterations(case in ruled(prompts_alone())) {
        equals_plain(&case, &case.plain_law())?;
    }

    #[test]
    fn leaps_of_several_replicas_equal_iterations(case in ruled(replicas())) {
        equals_plain(&case, &case.plain_law())?;
    }

    #[test]
    fn leaps_between_looks_equal_iterations(case in ruled(intervals())) {
        equals_plain(&case, &case.plain_law())?;
    }

    #[test]
    fn leaps_of_a_new_engine_equal_iterations(case in new_engine()) {
        equals_plain(&case, &case.plain_law())?;
    }

    #[test]
    fn leaps_by_any_rules_equal_iterations(case in ruled(any_rules())) {
        equals_plain(&case, &case.plain_law())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases() / 2, ..ProptestConfig::default() })]

    #[test]
    fn engines_of_all_rules_take_turns_on_one_group(cases in prop::collection::vec(ruled(sharing()), 2..4)) {
        group_equals_plain(&cases)?;
    }
}

fn engine() -> EngineConfig {
    let law = Coefficients { weights_ms: 5.0, token_ms: 0.01, context_ms: 1e-5, ..Coefficients::default() };
    EngineConfig::new(TimeModel::with_parts(&law, Knee::Soft, &LawParts::default()).expect("a valid law"), 1_000)
}

#[test]
fn counts_that_no_engine_has_are_refused_by_name() {
    assert_eq!(engine().check(), Ok(()));
    for value in [0, 5_000] {
        let replicas = EngineConfig { replicas: value, ..engine() };
        assert_eq!(replicas.check(), Err(EngineConfigError::Count { name: "replicas", value }));
        let looks = EngineConfig { receive_interval: value, ..engine() };
        assert_eq!(looks.check(), Err(EngineConfigError::Count { name: "receive_interval", value }));
    }
}

/// A sequence is in the cache of one replica.
#[test]
fn the_longest_context_is_that_of_a_replica() {
    assert_eq!(engine().longest_context(), 16_001);
    assert_eq!(EngineConfig { replicas: 4, ..engine() }.longest_context(), 4_001);
    assert_eq!(EngineConfig { replicas: 4, ..engine() }.most_running(), 4_096);
}
