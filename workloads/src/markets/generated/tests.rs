//! The market's draws belong to (zone, time), and its parameters are refused by name.

use super::*;

fn zones_of(law: &MarketLaw) -> Vec<super::super::CapacitySeries> {
    record(law, SimDuration::from_s(30 * 86_400), Seed::new(9), "spot").unwrap()
}

#[test]
fn a_zone_does_not_depend_on_what_else_is_there() {
    let law = measured_market(16);
    let all = zones_of(&law);
    let mut fewer = law.clone();
    fewer.zones.truncate(3);
    fewer.stresses.iter_mut().for_each(|stress| stress.hits.truncate(3));
    assert_eq!(zones_of(&fewer), all[..3]);
    assert_eq!(zones_of(&law), all);
    assert!(all.iter().all(|zone| zone.most() == 16 && zone.steps()[0].0 == SimTime::ZERO));
}

#[test]
fn a_longer_recording_begins_as_a_shorter_one() {
    let law = measured_market(1);
    let (long, short) = (zones_of(&law), record(&law, SimDuration::from_s(86_400), Seed::new(9), "spot").unwrap());
    for (long, short) in long.iter().zip(&short) {
        assert_eq!(long.steps()[..short.steps().len()], *short.steps());
    }
}

/// Means that are corrected for what shortages do, for other parameters than the measured.
#[test]
fn any_market_has_the_means_it_was_given() {
    let h = |hours: u64| SimDuration::from_s(3_600 * hours);
    let zone = |name: &str, up, down| ZoneLaw {
        name: name.to_owned(),
        mean_up: h(up),
        mean_down: h(down),
        sigma_up: 1.0,
        sigma_down: 0.5,
        nodes: 1,
        burst: BurstLaw::whole(1),
    };
    let stress = |name: &str, share, hits: [f64; 2]| Stress {
        name: name.to_owned(),
        share,
        mean: h(6),
        sigma_on: 0.5,
        sigma_off: 0.5,
        hits: hits.to_vec(),
    };
    let law = MarketLaw {
        step: SimDuration::from_s(60),
        zones: vec![zone("a", 10, 2), zone("b", 20, 5)],
        stresses: vec![stress("both", 0.08, [0.9, 1.0]), stress("b only", 0.05, [0.0, 0.5])],
    };
    let mut market = Market::new(&law, Seed::new(1), "any").unwrap();
    let (mut last, mut up_ps, mut falls) = ([(0_u64, 0_u32); 2], [0_u64; 2], [0_u32; 2]);
    let mut end = 0;
    for _ in 0..60_000 {
        let Some(change) = market.next_change() else { break };
        end = change.at.as_ps();
        let (since, nodes) = last[change.zone];
        up_ps[change.zone] += (end - since) * u64::from(nodes);
        falls[change.zone] += u32::from(nodes == 1 && change.nodes == 0);
        last[change.zone] = (end, change.nodes);
    }
    // As much as 213 days hold: a few hundred runs, so wide bounds.
    for (zone, (up, down)) in [(10.0, 2.0), (20.0, 5.0)].into_iter().enumerate() {
        let availability = up_ps[zone] as f64 / end as f64;
        let mean_up = up_ps[zone] as f64 / f64::from(falls[zone]) / 3.6e15;
        assert!((availability - up / (up + down)).abs() < 0.03, "{zone}: {availability}");
        assert!((mean_up / up - 1.0).abs() < 0.15, "{zone}: {mean_up}");
    }
}

#[test]
fn what_is_no_market_is_refused() {
    let refused = |change: &dyn Fn(&mut MarketLaw), part: &str| {
        let mut law = measured_market(2);
        change(&mut law);
        let error = law.check().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(&|law| law.zones.clear(), "a market");
    refused(&|law| law.step = SimDuration::ZERO, "the step");
    refused(&|law| law.zones[1].name = law.zones[0].name.clone(), "one zone only");
    refused(&|law| law.zones[1].sigma_up = f64::NAN, "sigma_up of zone `us-east-1c`");
    refused(&|law| law.zones[1].mean_up = SimDuration::from_s(1), "the mean runs of zone `us-east-1c`");
    refused(&|law| law.zones[6].mean_down = SimDuration::from_s(600), "the stresses of zone `us-west-2a`");
    refused(&|law| law.zones[0].burst = BurstLaw::whole(3), "burst weights");
    refused(&|law| law.stresses[0].share = 1.0, "the share of stress 0 (`us-east-1`)");
    refused(&|law| law.stresses[0].hits.truncate(8), "9 numbers");
    refused(&|law| law.stresses[1].mean = SimDuration::ZERO, "the mean of stress 1");
    refused(&|law| law.stresses[0].mean = SimDuration::from_s(400), "the stresses of zone");
}

/// Of sixteen nodes, drops have the measured sizes.
#[test]
fn drops_of_sixteen_have_the_measured_sizes() {
    let law = measured_market(16);
    let (mut drops, mut one, mut all) = (0_u32, 0_u32, 0_u32);
    for replicate in 0..8 {
        let span = SimDuration::from_s(45 * 86_400);
        for zone in record(&law, span, Seed { seed: 4, replicate }, "spot").unwrap() {
            for pair in zone.steps().windows(2).filter(|pair| pair[1].1 < pair[0].1) {
                drops += 1;
                one += u32::from(pair[0].1 - pair[1].1 == 1);
                all += u32::from(pair[1].1 == 0);
            }
        }
    }
    let share = |count: u32| f64::from(count) / f64::from(drops);
    assert!(drops > 10_000 && (share(one) - 0.121).abs() < 0.01, "{drops} {one}");
    assert!((share(all) - 0.317).abs() < 0.015, "{drops} {all}");
}
