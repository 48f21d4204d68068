//! Engines that keep the blocks of some layers no longer than a window: still the engine that plays each iteration, to
//! the last bit, blocks included.

use crate::engine::{Case, case, cases, equals_plain, group_equals_plain};
use crate::engine_parts::any_parts;
use crate::engine_rules::{any_rules, sharing};
use flashcrowd_core::serving::{BlockGroups, Coefficients, EngineConfig, EngineConfigError, Knee, TimeModel};
use flashcrowd_tests::plain_engine::play;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn groups() -> impl Strategy<Value = BlockGroups> {
    let window = prop_oneof![1_u32..16, 1_u32..150];
    (1_u32..3, 1_u32..4, window).prop_map(|(full, windowed, window)| BlockGroups { full, windowed, window })
}

/// A case with such groups; its cache has room for its longest sequence, and as many more as before.
fn of_groups(mut case: Case, groups: BlockGroups) -> Case {
    let block = u64::from(case.config.block_tokens);
    let longest = case.asked.iter().map(|asked| u64::from(asked.prompt + asked.output)).max().unwrap_or(1);
    let blocks = longest.div_ceil(block);
    let replicas = u64::from(case.config.replicas);
    let spare = case.config.blocks / replicas - blocks;
    let most = (u64::from(groups.window) - 1 + u64::from(case.config.token_budget)).div_ceil(block) + 1;
    let (full, windowed) = (u64::from(groups.full), u64::from(groups.windowed));
    let needed = full * blocks + windowed * (blocks + 1).min(most);
    case.config.groups = Some(groups);
    case.config.blocks = replicas * (needed + spare * full);
    assert!(case.config.check().is_err() || case.config.longest_context() >= longest);
    case
}

fn windowed() -> impl Strategy<Value = Case> {
    (case(any_parts()), groups()).prop_map(|(case, groups)| of_groups(case, groups))
}

fn windowed_by_rules() -> impl Strategy<Value = Case> {
    (any_rules(), case(any_parts()), groups()).prop_map(|(rules, case, groups)| of_groups(rules.of(case), groups))
}

/// Some members of a group have windows, some have none.
fn sharing_member() -> impl Strategy<Value = Case> {
    (sharing(), case(any_parts()), prop::option::weighted(0.7, groups())).prop_map(|(rules, case, groups)| match groups
    {
        Some(groups) => of_groups(rules.of(case), groups),
        None => rules.of(case),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn leaps_with_blocks_by_group_equal_iterations(case in windowed()) {
        equals_plain(&case, &case.plain_law())?;
    }

    #[test]
    fn leaps_with_blocks_by_group_by_any_rules_equal_iterations(case in windowed_by_rules()) {
        equals_plain(&case, &case.plain_law())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases() / 2, ..ProptestConfig::default() })]

    #[test]
    fn engines_with_blocks_by_group_take_turns(cases in prop::collection::vec(sharing_member(), 2..4)) {
        group_equals_plain(&cases)?;
    }
}

/// What other groups look like; they need no more blocks.
type Twist = fn(&mut BlockGroups);

/// The comparison sees the blocks: of a window that is shorter, and of another group.
#[test]
fn other_groups_are_found_out() {
    let mut runner = TestRunner::deterministic();
    let some: Vec<Case> = (0..24).map(|_| windowed().new_tree(&mut runner).expect("a case").current()).collect();
    let twists: [(&str, Twist); 3] = [
        ("a window that is shorter", |groups| groups.window = groups.window.div_ceil(2)),
        ("one windowed group less", |groups| groups.windowed -= 1),
        ("one full group less", |groups| groups.full = (groups.full - 1).max(1)),
    ];
    for (what, twist) in twists {
        let differs = |case: &&Case| {
            let mut other = case.config.clone();
            other.groups.as_mut().map(twist);
            let horizon_ps = 40_000_000_000_000;
            let plain = |config| play(config, &case.plain_law(), &case.asked, horizon_ps);
            case.config.check().is_ok() && plain(&case.config) != plain(&other)
        };
        assert!(some.iter().any(|case| differs(&case)), "{what} makes no difference");
    }
}

fn engine(groups: BlockGroups, blocks: u64) -> EngineConfig {
    let law = Coefficients { weights_ms: 5.0, ..Coefficients::default() };
    let law = TimeModel::new(&law, Knee::Soft).expect("a valid law");
    EngineConfig { groups: Some(groups), token_budget: 2_048, ..EngineConfig::new(law, blocks) }
}

/// gemma-3-27b on one H100, by vLLM's log: 36,560 tokens, of which one sequence holds many more.
#[test]
fn a_long_sequence_holds_a_window_in_most_layers() {
    let groups = BlockGroups { full: 1, windowed: 6, window: 1_024 };
    let gemma = engine(groups, 7 * 2_285);
    assert_eq!(gemma.cache_tokens(), 36_560);
    // A window and an iteration: 193 blocks and one in each of six groups.
    assert_eq!(gemma.held_tokens(), (7 * 2_285 - 6 * 193) * 16);
    assert_eq!(gemma.longest_context(), gemma.held_tokens() + 1);
    // Shorter than that, each group holds all of it, and a block more.
    assert_eq!(engine(groups, 7 * 100 + 6).held_tokens(), 1_600);
    assert_eq!(engine(groups, 7 * 100 + 5).held_tokens(), 1_584);
    assert_eq!(EngineConfig { replicas: 2, ..engine(groups, 14 * 100 + 12) }.held_tokens(), 1_600);
}

#[test]
fn groups_that_are_none_are_refused() {
    let groups = BlockGroups { full: 1, windowed: 1, window: 128 };
    assert_eq!(engine(groups, 100).check(), Ok(()));
    let bad =
        [BlockGroups { full: 0, ..groups }, BlockGroups { windowed: 0, ..groups }, BlockGroups { window: 0, ..groups }];
    for groups in bad {
        assert_eq!(engine(groups, 100).check(), Err(EngineConfigError::Groups));
    }
    assert_eq!(engine(groups, 2).check(), Err(EngineConfigError::Cache { blocks: 2, least: 3 }));
}
