//! The tables against the reference files, and their lookups.

use super::*;
use flashcrowd_core::clock::SimDuration;
use flashcrowd_core::units::PicoUsdPerHour;
use std::path::PathBuf;

fn reference(file: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("FLASHCROWD_REFERENCE").map(PathBuf::from) else {
        println!("skipped: FLASHCROWD_REFERENCE is not set");
        return None;
    };
    Some(std::fs::read_to_string(folder.join(file)).unwrap())
}

#[test]
fn round_trips_are_those_of_the_reference() {
    let us = |from, to| rtt((Cloud::Aws, from), (Cloud::Aws, to)).map(SimDuration::as_us);
    assert_eq!(us("af-south-1", "ap-east-1"), Some(382_900));
    assert_eq!((us("us-east-1", "us-east-1"), us("us-east-1", "mars-1")), (Some(300), None));
    assert_eq!(rtt((Cloud::Aws, "us-east-1"), (Cloud::Gcp, "us-east1")), None);
    assert_eq!(rtt((Cloud::Azure, "eastus2"), (Cloud::Azure, "East US 2")), Some(WITHIN_REGION));
    assert_eq!(Cloud::ALL.map(|cloud| rtt_regions(cloud).len()), [19, 20, 50]);

    for (cloud, file) in [
        (Cloud::Aws, "rtt/aws_2020-06-05_rtt_avg_ms.csv"),
        (Cloud::Gcp, "rtt/gcp_2020_rtt_avg_ms.csv"),
        (Cloud::Azure, "rtt/azure_2026_rtt_median_ms.csv"),
    ] {
        let Some(text) = reference(file) else { return };
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        for row in &rows[1..] {
            for (to, cell) in rows[0].iter().zip(row).skip(1).filter(|cell| !cell.1.is_empty()) {
                let expected = SimDuration::from_s_f64(cell.parse::<f64>().unwrap() / 1e3);
                assert_eq!(rtt((cloud, row[0]), (cloud, to)), Some(expected), "{cloud} {} {to}", row[0]);
            }
        }
    }
}

#[test]
fn prices_are_those_of_the_reference() {
    // The reference has 201; the rows of L40S stand behind them.
    assert_eq!(gpu_prices().len(), 209);
    let h100 = gpu_price(Cloud::Aws, "us-east-2", "h100").unwrap();
    assert!((h100.on_demand.as_usd() - 6.88).abs() < 0.01, "{h100:?}");
    assert!(gpu_prices().iter().any(GpuPrice::is_suspect));
    for row in gpu_prices() {
        assert!(row.spot.is_none_or(|spot| spot.as_usd() < 0.99 * row.on_demand.as_usd()), "{row:?}");
        assert!(gpu_price(row.cloud, &row.region, &row.gpu).is_none_or(|best| !best.is_suspect()));
    }
    assert_eq!(gpu_price(Cloud::Gcp, "us-central1", "A100-80GB"), None, "only a suspect row");
    assert_eq!(gpu_price(Cloud::Aws, "us-east-1", "V100"), None);

    let Some(text) = reference("prices/gpu_prices.csv") else { return };
    for (line, row) in text.lines().skip(1).zip(gpu_prices()) {
        let cells: Vec<&str> = line.split(',').collect();
        let found = [row.cloud.name(), &row.region, &row.instance, &row.gpu, &row.gpus.to_string(), &row.flags];
        assert_eq!(found, [cells[0], cells[1], cells[2], cells[3], cells[4], cells[12]]);
        assert!((row.on_demand.as_usd() - cells[10].parse::<f64>().unwrap()).abs() < 1e-9);
        if let Some(spot) = row.spot {
            assert!((spot.as_usd() - cells[11].parse::<f64>().unwrap()).abs() < 1e-9);
        }
    }
}

/// GPUs of the catalogue that no cloud of the tables lists by region, and why.
const WITHOUT_A_REGION: &[(&str, &str)] = &[];

#[test]
fn every_gpu_has_a_price_somewhere() {
    for gpu in crate::GPUS.iter() {
        assert!(gpu.usd_per_h.is_some() && !gpu.price_source.is_empty(), "{} has no price to default to", gpu.name);
        let listed = gpu_prices().iter().find(|row| row.gpu == gpu.name && !row.is_suspect());
        let excused = WITHOUT_A_REGION.iter().any(|(name, _)| *name == gpu.name);
        assert!(listed.is_some() != excused, "{}: {listed:?}", gpu.name);
        let Some(row) = listed else { continue };
        assert!(gpu_price(row.cloud, &row.region, &gpu.name).is_some(), "{row:?}");
    }
    let l40s = gpu_price(Cloud::Aws, "us-east-2", "L40S").unwrap();
    assert_eq!((l40s.instance.as_str(), l40s.on_demand.as_usd()), ("g6e.xlarge", 1.861));
    assert_eq!(l40s.spot.map(PicoUsdPerHour::as_usd), Some(0.5315));
}

#[test]
fn each_region_has_a_jurisdiction() {
    for cloud in Cloud::ALL {
        for region in rtt_regions(cloud) {
            assert!(jurisdiction(cloud, region).is_some(), "{cloud} {region}");
        }
    }
    for row in gpu_prices() {
        assert!(jurisdiction(row.cloud, &row.region).is_some(), "{row:?}");
    }
    let of = [(Cloud::Aws, "eu-west-2"), (Cloud::Gcp, "europe-west6"), (Cloud::Azure, "West Europe")];
    assert_eq!(of.map(|(cloud, region)| jurisdiction(cloud, region)), [Some("uk"), Some("ch"), Some("eu")]);
    assert_eq!(jurisdiction(Cloud::Aws, "mars-1"), None);
}

#[test]
fn traffic_within_costs_no_more_than_out() {
    for cloud in Cloud::ALL {
        let rates = egress(cloud);
        assert!(rates.inter_zone <= rates.inter_region && rates.inter_region < rates.internet);
        assert_eq!(Cloud::from_name(cloud.name()), Some(cloud));
    }
}
