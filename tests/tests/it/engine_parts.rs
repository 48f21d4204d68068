//! Engines of models with experts, with windows of attention and with a floor: still the engine that
//! plays each iteration, to the last bit.

use crate::engine::{Case, case, cases, equals_plain, group, group_equals_plain};
use flashcrowd_core::serving::{
    Coefficients, EngineConfig, EngineConfigError, Experts, Knee, LawParts, Messages, TimeModel, TimeModelError, Window,
};
use flashcrowd_tests::plain_law::{PlainExperts, PlainLaw};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn some_experts() -> impl Strategy<Value = Vec<Experts>> {
    let share = prop_oneof![5 => 0.005..0.6_f64, 1 => Just(1.0)];
    let skew = prop_oneof![4 => 0.0..1.0_f64, 4 => Just(0.612), 1 => Just(0.0), 1 => Just(1.0)];
    let experts = (0.0..6.0, share, skew, 0.0..0.05);
    let experts =
        experts.prop_map(|(read_ms, chosen_share, skew, token_ms)| Experts { read_ms, chosen_share, skew, token_ms });
    prop::collection::vec(experts, 1..3)
}

fn some_windows() -> impl Strategy<Value = Vec<Window>> {
    let tokens = prop_oneof![1_u32..16, 1_u32..200];
    let windows = (tokens, 0.0..2e-2, 0.0..1e-3);
    let windows = windows.prop_map(|(tokens, context_ms, attention_ms)| Window { tokens, context_ms, attention_ms });
    prop::collection::vec(windows, 1..3)
}

fn experts() -> BoxedStrategy<LawParts> {
    some_experts().prop_map(|experts| LawParts { experts, ..LawParts::default() }).boxed()
}

fn windows() -> BoxedStrategy<LawParts> {
    some_windows().prop_map(|windows| LawParts { windows, ..LawParts::default() }).boxed()
}

fn floor() -> BoxedStrategy<LawParts> {
    (0.0..25.0).prop_map(|floor_ms| LawParts { floor_ms, ..LawParts::default() }).boxed()
}

fn some_messages() -> impl Strategy<Value = Messages> {
    let messages = (0.0..0.05, 0_u32..300, 0.0..0.05);
    messages.prop_map(|(token_ms, small_tokens, further_token_ms)| Messages {
        token_ms,
        small_tokens,
        further_token_ms,
    })
}

fn all() -> BoxedStrategy<LawParts> {
    let all = (some_experts(), some_windows(), some_messages(), 0.0..25.0);
    all.prop_map(|(experts, windows, messages, floor_ms)| LawParts { experts, windows, messages, floor_ms }).boxed()
}

/// Any part or none: engines on one group then differ in kind.
pub(crate) fn any_parts() -> BoxedStrategy<LawParts> {
    prop_oneof![experts(), windows(), floor(), all(), Just(LawParts::default())].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn leaps_with_experts_equal_iterations(case in case(experts())) {
        equals_plain(&case, &case.plain_law())?;
    }

    #[test]
    fn leaps_with_windows_equal_iterations(case in case(windows())) {
        equals_plain(&case, &case.plain_law())?;
    }

    #[test]
    fn leaps_with_a_floor_equal_iterations(case in case(floor())) {
        equals_plain(&case, &case.plain_law())?;
    }

    #[test]
    fn leaps_with_all_parts_equal_iterations(case in case(all())) {
        equals_plain(&case, &case.plain_law())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases() / 2, ..ProptestConfig::default() })]

    #[test]
    fn engines_of_all_kinds_take_turns_on_one_group(cases in group(any_parts())) {
        group_equals_plain(&cases)?;
    }
}

/// What a law that is a little off looks like.
type Twist = fn(&mut PlainLaw);

/// The comparison sees each part of the law: a plain engine whose law is a little off in it differs.
#[test]
fn a_law_that_is_a_little_off_is_found_out() {
    let twists: [(&str, Twist); 7] = [
        ("a window of one token more", |law| law.windows[0].tokens += 1),
        ("a window that costs a little more", |law| law.windows[0].context += law.windows[0].context / 1_000),
        ("a window that prefills pass by", |law| law.windows[0].half_attention = 0),
        ("no floor", |law| law.floor = 0),
        ("experts that one token reads more of", |law| law.experts[0].unread -= law.experts[0].unread / 1_000),
        ("experts that differ a little more", |law| law.experts[0].factor -= law.experts[0].factor / 100_000),
        ("tokens that cost nothing in experts", |law| law.experts[0] = PlainExperts { token: 0, ..law.experts[0] }),
    ];
    let mut runner = TestRunner::deterministic();
    let some: Vec<Case> = (0..24).map(|_| case(all()).new_tree(&mut runner).expect("a case").current()).collect();
    for (what, twist) in twists {
        let differs = |case: &&Case| {
            let mut law = case.plain_law();
            twist(&mut law);
            matches!(equals_plain(case, &law), Err(TestCaseError::Fail(_)))
        };
        assert!(some.iter().any(|case| differs(&case)), "{what} makes no difference");
    }
    for case in &some {
        assert!(!matches!(equals_plain(case, &case.plain_law()), Err(TestCaseError::Fail(_))));
    }
}

fn law(parts: &LawParts) -> Result<TimeModel, TimeModelError> {
    let coefficients = Coefficients { weights_ms: 5.0, token_ms: 0.01, context_ms: 1e-5, ..Coefficients::default() };
    TimeModel::with_parts(&coefficients, Knee::Soft, parts)
}

#[test]
fn values_that_cannot_be_are_refused_by_name() {
    let experts = Experts { read_ms: 10.0, chosen_share: 0.03, skew: 0.6, token_ms: 0.01 };
    let window = Window { tokens: 128, context_ms: 1e-5, attention_ms: 1e-7 };
    let with = |experts| law(&LawParts { experts: vec![experts], ..LawParts::default() });
    let within = |window| law(&LawParts { windows: vec![window], ..LawParts::default() });
    let messages = |token_ms, further_token_ms| {
        let messages = Messages { token_ms, small_tokens: 8, further_token_ms };
        LawParts { messages, ..LawParts::default() }
    };
    assert!(with(experts).is_ok() && within(window).is_ok() && law(&messages(0.1, 0.0)).is_ok());
    for bad in [-1.0, f64::NAN, f64::INFINITY, 2e5] {
        let refused = [
            ("experts.read_ms", with(Experts { read_ms: bad, ..experts })),
            ("experts.token_ms", with(Experts { token_ms: bad, ..experts })),
            ("windows.context_ms", within(Window { context_ms: bad, ..window })),
            ("messages.token_ms", law(&messages(bad, 0.0))),
            ("messages.further_token_ms", law(&messages(0.0, bad))),
            ("floor_ms", law(&LawParts { floor_ms: bad, ..LawParts::default() })),
        ];
        for (name, law) in refused {
            let error = law.expect_err(name);
            assert!(matches!(error, TimeModelError::Coefficient { name: named, .. } if named == name), "{error}");
        }
        let share = with(Experts { chosen_share: bad, ..experts });
        assert!(matches!(share, Err(TimeModelError::ChosenShare { .. })), "a share of {bad}");
        let skew = with(Experts { skew: bad, ..experts });
        assert!(matches!(skew, Err(TimeModelError::Skew { .. })), "a skew of {bad}");
    }
    let attention = within(Window { attention_ms: -1.0, ..window }).expect_err("less than no time");
    assert_eq!(attention.to_string(), "`windows.attention_ms` is -0.5: expected 0 to 100000 ms");
    assert_eq!(with(Experts { chosen_share: 0.0, ..experts }), Err(TimeModelError::ChosenShare { share: 0.0 }));
    assert_eq!(with(Experts { skew: 1.01, ..experts }), Err(TimeModelError::Skew { skew: 1.01 }));
    assert_eq!(within(Window { tokens: 0, ..window }), Err(TimeModelError::Window));
}

/// Reading experts is time, too: an engine may have nothing else.
#[test]
fn an_iteration_of_experts_alone_takes_time() {
    let of = |read_ms| {
        let experts = vec![Experts { read_ms, chosen_share: 0.1, skew: 0.6, token_ms: 0.0 }];
        TimeModel::with_parts(&Coefficients::default(), Knee::Soft, &LawParts { experts, ..LawParts::default() })
    };
    assert!(of(1.0).is_ok());
    assert_eq!(of(0.0), Err(TimeModelError::NoTime));
}

/// Each part makes the longest iteration longer, up to where integers could overflow.
#[test]
fn the_longest_iteration_holds_each_part() {
    let seconds = |parts| match EngineConfig::new(law(&parts).expect("a valid law"), 100_000).check() {
        Ok(()) => 0.0,
        Err(EngineConfigError::Iteration { seconds, .. }) => seconds,
        Err(error) => panic!("{error}"),
    };
    let experts = |read_ms, token_ms| LawParts {
        experts: vec![Experts { read_ms, chosen_share: 0.1, skew: 0.6, token_ms }],
        ..LawParts::default()
    };
    let window = |tokens, context_ms, attention_ms| LawParts {
        windows: vec![Window { tokens, context_ms, attention_ms }],
        ..LawParts::default()
    };
    assert_eq!(seconds(LawParts::default()), 0.0);
    assert!(seconds(experts(99_990.0, 0.0)) > 100.0);
    assert!(seconds(experts(1.0, 13.0)) > 106.0);
    // At most 8,192 sequences that each read a window, in a cache of 1.6 million tokens.
    assert!(seconds(window(128, 0.1, 0.0)) > 104.0);
    assert!(seconds(window(u32::MAX, 0.1, 0.0)) > 160.0);
    assert!(seconds(window(128, 0.0, 0.1)) > 104.0);
    assert_eq!(seconds(window(128, 0.05, 0.0)), 0.0);
    assert_eq!(seconds(LawParts { floor_ms: 1e5, ..LawParts::default() }), 0.0);
}
