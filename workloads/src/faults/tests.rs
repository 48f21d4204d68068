//! Sources of faults: their order, their laws, and what each refuses.

use super::capacity::{MarketCapacity, NodeLifetimes, Place, recorded};
use super::outages::{Kind, Outage, OutageLaw, Outages};
use super::*;
use crate::markets::CapacitySeries;
use crate::markets::generated::measured_market;
use crate::markets::lifetimes::Lifetime;
use flashcrowd_core::clock::{Seed, SimDuration, SimTime};
use flashcrowd_core::ports::{Area, Fault};
use flashcrowd_core::units::PicoUsdPerHour;

const PLACE: Place = Place { pool: 3, zone: 1 };

fn take(source: &mut dyn FaultSource, most: usize) -> Vec<TimedFault> {
    std::iter::from_fn(|| source.next_fault().unwrap()).take(most).collect()
}

#[test]
fn a_merged_source_is_in_order() {
    let seed = Seed::new(1);
    let failures =
        |pool, s| failures::NodeFailures::new(pool, SimDuration::from_s(s), seed, &format!("p{pool}")).unwrap();
    let constant = |usd| Box::new(prices::constant(PLACE, PicoUsdPerHour::from_usd(usd))) as Box<dyn FaultSource>;
    let sources = vec![
        Box::new(failures(0, 50)) as Box<dyn FaultSource>,
        constant(1.0),
        constant(2.0),
        Box::new(failures(1, 100)),
    ];
    let faults = take(&mut Merged::new(sources).unwrap(), 3_002);
    assert!(faults.is_sorted_by_key(|fault| fault.at));
    assert!(matches!(faults[0].fault, Fault::Price { pool: 3, zone: 1, price } if price.as_usd() == 1.0));
    let of = |pool| faults.iter().filter(|fault| fault.fault == Fault::Node { pool }).count();
    assert!((1_900..2_100).contains(&of(0)) && of(0) + of(1) == 3_000, "{}", of(0));
    assert_eq!(take(&mut Merged::default(), 1), []);
}

#[test]
fn outages_are_made_of_primitives() {
    let s = SimTime::from_s;
    let outage = |zone, kind| Outage { at: s(10), lasts: SimDuration::from_s(5), area: Area { region: 2, zone }, kind };
    let told = |outage: Outage| -> Vec<(u64, &'static str)> {
        let name = |fault: &TimedFault| match fault.fault {
            Fault::Lose { share_ppm: 1_000_000, .. } => "lose all",
            Fault::Lose { .. } => "lose",
            Fault::Block { begins: true, .. } => "block",
            Fault::Block { .. } => "free",
            Fault::Unreachable { region: 2, begins: true } => "cut",
            Fault::Unreachable { .. } => "reach",
            _ => "other",
        };
        let faults = take(&mut outages::listed(&[outage]).unwrap(), 9);
        faults.iter().map(|fault| (fault.at.as_ps() / 1_000_000_000_000, name(fault))).collect()
    };
    assert_eq!(told(outage(Some(0), Kind::Total)), [(10, "block"), (10, "lose all"), (15, "free")]);
    let region = [(10, "cut"), (10, "block"), (10, "lose all"), (15, "free"), (15, "reach")];
    assert_eq!(told(outage(None, Kind::Total)), region);
    assert_eq!(told(outage(None, Kind::ControlPlane)), [(10, "block"), (15, "free")]);
    assert_eq!(told(outage(None, Kind::Partial { share_ppm: 5 })), [(10, "block"), (10, "lose"), (15, "free")]);
    assert!(outages::listed(&[outage(None, Kind::Partial { share_ppm: 1_000_001 })]).is_err());
}

#[test]
fn drawn_outages_have_their_median_and_gap() {
    let law = OutageLaw { mean_gap_h: 0.02, median: SimDuration::from_s(20), ..OutageLaw::region(0) };
    let mut source = Outages::new(law, Seed::new(5), "region").unwrap();
    let faults = take(&mut source, 20_000);
    assert!(faults.is_sorted_by_key(|fault| fault.at));
    let at = |begins| -> Vec<SimTime> {
        let is = |fault: &&TimedFault| fault.fault == Fault::Unreachable { region: 0, begins };
        faults.iter().filter(is).map(|fault| fault.at).collect()
    };
    let (begin, end) = (at(true), at(false));
    let mut lasts: Vec<f64> = begin.iter().zip(&end).map(|(a, b)| b.since(*a).as_s_f64()).collect();
    lasts.sort_by(f64::total_cmp);
    assert!((lasts[lasts.len() / 2] / 20.0 - 1.0).abs() < 0.06, "{}", lasts[lasts.len() / 2]);
    let gaps: f64 = begin[1..].iter().zip(&end).map(|(a, b)| a.since(*b).as_s_f64()).sum();
    assert!((gaps / (begin.len() - 1) as f64 / 72.0 - 1.0).abs() < 0.06);
    assert!(Outages::new(OutageLaw { sigma: f64::NAN, ..law }, Seed::new(5), "x").is_err());
    assert!(Outages::new(OutageLaw { mean_gap_h: 0.0, ..law }, Seed::new(5), "x").is_err());
}

#[test]
fn links_mend() {
    let window = |at, lasts| links::BadLink {
        at: SimTime::from_s(at),
        lasts: SimDuration::from_s(lasts),
        between: (0, 1),
        delay: SimDuration::from_ms(80),
        loss_ppm: 20_000,
    };
    let faults = take(&mut links::listed(&[window(50, 5), window(10, 40)]).unwrap(), 9);
    let delays: Vec<u64> = faults
        .iter()
        .map(|fault| match fault.fault {
            Fault::Link { delay, .. } => delay.as_ms(),
            _ => 9,
        })
        .collect();
    assert_eq!(delays, [80, 0, 80, 0]);
    let turned = links::BadLink { between: (1, 0), ..window(49, 5) };
    assert!(links::listed(&[window(10, 40), turned]).is_err() && links::listed(&[window(1, 0)]).is_err());
}

#[test]
fn prices_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        let path = folder.path().join("prices.csv");
        std::fs::write(&path, text).unwrap();
        prices::from_csv(PLACE, &path)
    };
    let faults = take(&mut read("time_s,price\n0,1.5\r\n60.5,2\n").unwrap(), 9);
    assert!(matches!(faults[1].fault, Fault::Price { price, .. } if price.as_usd() == 2.0));
    assert_eq!(faults[1].at, SimTime::from_ps(60_500_000_000_000));
    for (text, line) in
        [("t,p\n", 1), ("time_s,price\n0,NaN\n", 2), ("time_s,price\n5,1\n4,1\n", 3), ("time_s,price\n-1,1", 2)]
    {
        let error = read(text).unwrap_err();
        assert!(error.place.ends_with(&format!("prices.csv:{line}")), "{error:?}");
    }
    assert!(read("time_s,price\n").is_err());
}

#[test]
fn capacity_of_markets_recordings_and_nodes() {
    let mut places = vec![vec![]; 9];
    places[8] = vec![PLACE, Place { pool: 4, zone: 0 }];
    let law = measured_market(4);
    let faults = take(&mut MarketCapacity::new(&law, places, Seed::new(1), "spot").unwrap(), 200);
    assert_eq!((faults.len(), faults[0].at, faults[1].at), (200, SimTime::ZERO, SimTime::ZERO));
    assert!(faults.is_sorted_by_key(|fault| fault.at));
    assert!(faults.chunks(2).all(|pair| pair[0].at == pair[1].at && pair[0].fault != pair[1].fault));
    assert!(MarketCapacity::new(&law, vec![], Seed::new(1), "spot").is_err());
    assert!(MarketCapacity::new(&law, vec![vec![]; 9], Seed::new(1), "spot").is_err());

    let series = CapacitySeries::from_samples([(SimTime::ZERO, 2), (SimTime::from_s(5), 0)], SimTime::from_s(9));
    let faults = take(&mut recorded(&[(PLACE, &series)]), 9);
    assert_eq!(faults[1].fault, Fault::Capacity { pool: 3, zone: 1, nodes: 0 });
}

/// Machine repairman: of 8 nodes that live 5 h and are away 10 min, 8 * 30 / 31 are there.
#[test]
fn nodes_with_lifetimes_are_the_repairman() {
    let lifetime = Lifetime::Exponential { mean: SimDuration::from_s(5 * 3_600) };
    let away = SimDuration::from_s(600);
    let mut source = NodeLifetimes::new(PLACE, 8, lifetime, away, Seed::new(2), "repair").unwrap();
    let faults = take(&mut source, 60_000);
    let area: f64 = faults
        .windows(2)
        .map(|pair| match pair[0].fault {
            Fault::Capacity { nodes, .. } => f64::from(nodes) * pair[1].at.since(pair[0].at).as_s_f64(),
            _ => f64::NAN,
        })
        .sum();
    let mean = area / faults[faults.len() - 1].at.as_s_f64();
    assert!((mean - 7.741_935).abs() < 0.02, "{mean}");
    assert!(NodeLifetimes::new(PLACE, 0, lifetime, away, Seed::new(2), "x").is_err());
}

/// With one repairer, nodes come back one by one: never sooner after each other than repairs take.
#[test]
fn nodes_wait_for_a_repairer() {
    let lifetime = Lifetime::Exponential { mean: SimDuration::from_s(100) };
    let nodes = |repairers| {
        let source = NodeLifetimes::new(PLACE, 4, lifetime, SimDuration::from_s(100), Seed::new(2), "repair").unwrap();
        take(&mut source.with_repairers(repairers).unwrap(), 40_000)
    };
    let mean = |faults: Vec<TimedFault>| {
        let held = |pair: &[TimedFault]| match pair[0].fault {
            Fault::Capacity { nodes, .. } => f64::from(nodes) * pair[1].at.since(pair[0].at).as_s_f64(),
            _ => f64::NAN,
        };
        faults.windows(2).map(held).sum::<f64>() / faults[faults.len() - 1].at.as_s_f64()
    };
    // Birth and death with equal rates: the weights of 0 to 4 down are 1, 4, 12, 24, 24.
    let (one, four) = (mean(nodes(1)), mean(nodes(4)));
    assert!((one - 64.0 / 65.0).abs() < 0.03 && (four - 2.0).abs() < 0.03, "{one} {four}");
    let source = NodeLifetimes::new(PLACE, 4, lifetime, SimDuration::from_s(1), Seed::new(2), "x").unwrap();
    assert!(source.with_repairers(0).is_err());
}
