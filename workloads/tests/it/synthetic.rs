//! Synthetic sources against their closed forms, and the independence of their streams.

use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::{Distribution, Seed, SimTime};
use flashcrowd_core::ports::{Arrival, ArrivalSource};
use flashcrowd_workloads::traffic::mmpp::{Chain, Mmpp, Start, State};
use flashcrowd_workloads::traffic::poisson::Poisson;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};
use flashcrowd_workloads::traffic::schedule::{Schedule, Timetable};
use proptest::prelude::*;

fn all(mut source: impl ArrivalSource) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    while let Some(arrival) = source.next_arrival().unwrap() {
        arrivals.push(arrival);
    }
    assert_eq!(source.next_arrival(), Ok(None), "the end must hold for good");
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
    arrivals
}

fn until(s: u64) -> Until {
    Until { until: SimTime::from_s(s), ..Until::default() }
}

/// Mean and variance of the counts in bins of `width_s`.
fn counts(arrivals: &[Arrival], seconds: u64, width_s: u64) -> (f64, f64) {
    let mut counts = vec![0.0; (seconds / width_s) as usize];
    for arrival in arrivals {
        counts[(arrival.at.as_s_f64() / width_s as f64) as usize] += 1.0;
    }
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    (mean, counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / counts.len() as f64)
}

fn poisson(rate: f64, laws: &RequestDistributions, until: Until, seed: u64) -> Vec<Arrival> {
    all(Poisson::new(rate, laws, until, Seed::new(seed), "chat").unwrap())
}

fn two_states() -> Chain {
    let state = |rate, s| State { rate, mean_sojourn: SimDuration::from_s(s) };
    Chain { states: vec![state(20.0, 10), state(2.0, 20)], transitions: None, start: Start::Stationary }
}

fn laws() -> RequestDistributions {
    RequestDistributions {
        prompt: Some(Distribution::lognormal_p50_p99(500.0, 6_000.0)),
        output: Some(Distribution::Exponential { mean: 140.0 }),
        service: Some(Distribution::Exponential { mean: 0.5 }),
    }
}

#[test]
fn poisson_has_its_rate_and_no_bursts() {
    let arrivals = poisson(50.0, &RequestDistributions::default(), until(4_000), 1);
    let (mean, variance) = counts(&arrivals, 4_000, 1);
    assert!((mean / 50.0 - 1.0).abs() < 0.01, "mean {mean}");
    assert!((variance / mean - 1.0).abs() < 0.08, "IDC {}", variance / mean);
}

#[test]
fn limits_end_a_source_for_good() {
    let count = Until { count: 10, ..Until::default() };
    assert_eq!(poisson(5.0, &laws(), count, 1).len(), 10);
    assert_eq!(poisson(0.0, &laws(), Until::default(), 1), []);
    assert!(poisson(5.0, &laws(), until(100), 1).iter().all(|arrival| arrival.at < SimTime::from_s(100)));
    // The slowest of all rates ends with simulated time.
    assert!(poisson(1e-300, &laws(), Until::default(), 1).is_empty());
}

#[test]
fn equal_seeds_give_equal_arrivals_and_laws_move_nothing_else() {
    let base = poisson(20.0, &laws(), until(50), 7);
    assert_eq!(base, poisson(20.0, &laws(), until(50), 7));
    assert_ne!(base, poisson(20.0, &laws(), until(50), 8));
    let other_output = RequestDistributions { output: Some(Distribution::Constant(3.0)), ..laws() };
    let changed = poisson(20.0, &other_output, until(50), 7);
    assert_eq!(base.len(), changed.len());
    for (a, b) in base.iter().zip(&changed) {
        assert_eq!((a.at, a.prompt_tokens, a.service_time), (b.at, b.prompt_tokens, b.service_time));
        assert_eq!(b.output_tokens, 3);
    }
    // Twice the rate: the same draws at half the distance.
    let faster = poisson(40.0, &laws(), until(25), 7);
    for (a, b) in base.iter().zip(&faster) {
        assert!((a.at.as_s_f64() - 2.0 * b.at.as_s_f64()).abs() < 1e-9);
        assert_eq!(a.prompt_tokens, b.prompt_tokens);
    }
}

#[test]
fn mmpp_has_the_rate_and_the_bursts_of_its_chain() {
    let chain = two_states();
    assert!((chain.mean_rate() - 8.0).abs() < 1e-12);
    let seconds = 400_000;
    let arrivals =
        all(Mmpp::new(&chain, &RequestDistributions::default(), until(seconds), Seed::new(3), "chat").unwrap());
    // Fischer and Meier-Hellstern (1993): with switching rates a and b and r = a + b,
    // IDC(t) = 1 + 2ab(l1-l2)^2 / (r^2 (l1 b + l2 a)) * (1 - (1 - exp(-rt)) / (rt)).
    let (a, b, high, low) = (0.1_f64, 0.05_f64, 20.0_f64, 2.0_f64);
    let r = a + b;
    for width in [1, 10, 100] {
        let rt = r * width as f64;
        let limit = 2.0 * a * b * (high - low).powi(2) / (r * r * (high * b + low * a));
        let expected = 1.0 + limit * (1.0 - (1.0 - (-rt).exp()) / rt);
        let (mean, variance) = counts(&arrivals, seconds, width);
        let measured = variance / mean;
        assert!((mean / (8.0 * width as f64) - 1.0).abs() < 0.02, "mean {mean}");
        assert!((measured / expected - 1.0).abs() < 0.05, "IDC({width}) {measured}, expected {expected}");
    }
}

#[test]
fn the_stationary_law_of_a_published_chain_agrees() {
    // The four states fitted to the 2023 code trace; rows are steps of one second.
    let rates = [0.0, 0.282, 7.107, 22.754];
    let rows = [
        [0.9738, 0.0053, 0.0202, 0.0006],
        [0.117, 0.4233, 0.435, 0.0248],
        [0.0555, 0.0988, 0.7736, 0.0721],
        [0.0279, 0.0432, 0.285, 0.6439],
    ];
    let states = rates.map(|rate| State { rate, mean_sojourn: SimDuration::from_s(1) }).to_vec();
    let transitions = Some(rows.map(|row| row.to_vec()).to_vec());
    let chain = Chain { states, transitions, start: Start::Stationary };
    chain.check().unwrap();
    for (share, published) in chain.stationary().iter().zip([0.698, 0.046, 0.209, 0.047]) {
        assert!((share - published).abs() < 0.01, "{share} against {published}");
    }
}

#[test]
fn states_and_arrivals_come_from_separate_streams() {
    let laws = laws();
    let play = |chain: &Chain, laws: &RequestDistributions| {
        all(Mmpp::new(chain, laws, until(300), Seed::new(5), "chat").unwrap())
    };
    let base = play(&two_states(), &laws);
    let changed = play(&two_states(), &RequestDistributions { prompt: None, ..laws.clone() });
    assert!(base.iter().zip(&changed).all(|(a, b)| a.at == b.at && a.output_tokens == b.output_tokens));
    // With one rate in every state, what the states do is nothing to the arrivals.
    let mut level = two_states();
    level.states.iter_mut().for_each(|state| state.rate = 6.0);
    let flat = play(&level, &laws);
    let plain = poisson(6.0, &laws, until(300), 5);
    assert_eq!(flat.len(), plain.len());
    assert!(flat.iter().zip(&plain).all(|(a, b)| (a.at.as_s_f64() - b.at.as_s_f64()).abs() < 1e-8));
}

#[test]
fn chains_that_are_none_are_refused() {
    let base = two_states();
    let with = |transitions: Vec<Vec<f64>>| Chain { transitions: Some(transitions), ..two_states() };
    for (chain, expected) in [
        (Chain { states: vec![], ..two_states() }, "the number of states"),
        (with(vec![vec![1.0, 0.0]]), "2 rows of 2 numbers"),
        (with(vec![vec![0.0, 0.7], vec![1.0, 0.0]]), "row 0 of the transition matrix"),
        (with(vec![vec![f64::NAN, 1.0], vec![1.0, 0.0]]), "row 0"),
        (with(vec![vec![1.0, 0.0], vec![1.0, 0.0]]), "every state leads to every other"),
        (Chain { start: Start::State(2), ..base }, "the first state must be 0 to 1"),
    ] {
        let error = chain.check().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let absorbing = Chain { start: Start::State(0), ..with(vec![vec![1.0, 0.0], vec![1.0, 0.0]]) };
    absorbing.check().unwrap();
    let mut silent = two_states();
    silent.states.iter_mut().for_each(|state| state.rate = 0.0);
    assert!(all(Mmpp::new(&silent, &laws(), Until::default(), Seed::new(1), "x").unwrap()).is_empty());
}

fn schedule(points: &[(u64, f64)], ramps: bool, repeat: Option<u64>, until: Until) -> Vec<Arrival> {
    let points = points.iter().map(|(at, rate)| (SimDuration::from_s(*at), *rate)).collect();
    let table = Timetable { points, ramps, repeat: repeat.map(SimDuration::from_s) };
    all(Schedule::new(&table, &RequestDistributions::default(), until, Seed::new(2), "chat").unwrap())
}

fn share_between(arrivals: &[Arrival], period: f64, from: f64, to: f64) -> f64 {
    let inside = arrivals.iter().filter(|arrival| (from..to).contains(&(arrival.at.as_s_f64() % period)));
    inside.count() as f64
}

#[test]
fn steps_have_their_rates() {
    let arrivals = schedule(&[(0, 10.0), (600, 0.0), (1_200, 50.0)], false, None, until(2_400));
    for (from, to, expected) in [(0.0, 600.0, 6_000.0), (600.0, 1_200.0, 0.0), (1_200.0, 2_400.0, 60_000.0)] {
        let seen = share_between(&arrivals, 1e9, from, to);
        // Four standard deviations of a Poisson count.
        assert!((seen - expected).abs() <= 4.0 * expected.sqrt(), "{seen} in {from}..{to}");
    }
}

#[test]
fn ramps_and_periods_have_their_integrals() {
    // A triangle from 0 to 40 and back in every 100 s: 2,000 per period, a quarter of them outside
    // the middle half.
    let arrivals = schedule(&[(0, 0.0), (50, 40.0)], true, Some(100), until(10_000));
    let total = arrivals.len() as f64;
    assert!((total - 200_000.0).abs() < 4.0 * 200_000_f64.sqrt(), "{total}");
    let middle = share_between(&arrivals, 100.0, 25.0, 75.0) / total;
    assert!((middle - 0.75).abs() < 0.005, "{middle}");
}

#[test]
fn a_constant_timetable_is_the_poisson_process() {
    let plain = all(Poisson::new(5.0, &RequestDistributions::default(), until(500), Seed::new(2), "chat").unwrap());
    let stepped = schedule(&[(0, 5.0), (100, 5.0), (200, 5.0)], false, None, until(500));
    let ramped = schedule(&[(0, 5.0), (100, 5.0)], true, Some(150), until(500));
    for other in [stepped, ramped] {
        assert_eq!(plain.len(), other.len());
        assert!(plain.iter().zip(&other).all(|(a, b)| (a.at.as_s_f64() - b.at.as_s_f64()).abs() < 1e-8));
    }
}

#[test]
fn silence_and_slow_periods_end() {
    assert!(schedule(&[(0, 0.0)], false, Some(1), Until::default()).is_empty());
    let fading = schedule(&[(0, 5.0), (10, 0.0)], false, None, Until::default());
    assert!((20..90).contains(&fading.len()));
    // One arrival in 10,000 periods: the periods between are skipped at once.
    let rare = schedule(&[(0, 0.0), (9, 1e-4)], false, Some(10), Until { count: 100, ..Until::default() });
    let last = rare[rare.len() - 1].at.as_s_f64();
    assert!((0.6..1.4).contains(&(last / 1e7)), "{last}");
}

#[test]
fn timetables_that_are_none_are_refused() {
    let s = SimDuration::from_s;
    for (points, repeat) in [
        (vec![], None),
        (vec![(s(1), 1.0)], None),
        (vec![(s(0), 1.0), (s(5), 2.0), (s(5), 3.0)], None),
        (vec![(s(0), f64::NAN)], None),
        (vec![(s(0), -1.0)], None),
        (vec![(s(0), 1.0), (s(5), 2.0)], Some(s(5))),
        (vec![(s(0), 1.0)], Some(SimDuration::ZERO)),
    ] {
        assert!(Timetable { points, ramps: false, repeat }.check().is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_parameters_panic(
        rates in prop::collection::vec(prop_oneof![0.0..100.0, Just(0.0), Just(1e12), Just(1e-12)], 1..5),
        seconds in prop::collection::vec(1_u64..1_000, 1..5),
        ramps in any::<bool>(),
        repeat in prop::option::of(1_u64..5_000),
        seed in any::<u64>(),
    ) {
        let few = Until { count: 200, until: SimTime::from_s(10_000) };
        let mut at = SimDuration::ZERO;
        let mut points = Vec::new();
        for (rate, gap) in rates.iter().zip(&seconds) {
            points.push((at, *rate));
            at += SimDuration::from_s(*gap);
        }
        let table = Timetable { points, ramps, repeat: repeat.map(SimDuration::from_s) };
        if let Ok(source) = Schedule::new(&table, &laws(), few, Seed::new(seed), "x") {
            prop_assert!(all(source).len() <= 200);
        }
        let states = rates.iter().zip(&seconds).map(|(rate, s)| State { rate: *rate, mean_sojourn: SimDuration::from_s(*s) });
        let chain = Chain { states: states.collect(), transitions: None, start: Start::Stationary };
        prop_assert!(all(Mmpp::new(&chain, &laws(), few, Seed::new(seed), "x").unwrap()).len() <= 200);
    }
}
