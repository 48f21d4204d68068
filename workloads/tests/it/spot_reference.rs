//! Statistics of the recorded spot capacity against the tables that come with the reference data:
//! `FLASHCROWD_REFERENCE` names the folder of `traces/` and `mechanisms/`. Zones whose recording is
//! not at hand are left out.

#![expect(clippy::print_stdout, reason = "says when it skips, and what it compared")]

use flashcrowd_workloads::markets::recorded::{Recording, TimeUnit, read_bamboo, read_skypilot};
use flashcrowd_workloads::markets::statistics::{SeriesStatistics, Together, series_statistics};
use std::path::{Path, PathBuf};

/// The folder of reference data, if there is one.
fn reference() -> Option<PathBuf> {
    let folder = std::env::var_os("FLASHCROWD_REFERENCE").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: FLASHCROWD_REFERENCE is not set");
    }
    folder
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// The zone of a row, if its recording is at hand.
fn recording(reference: &Path, row: &[String], zone: usize) -> Option<(Recording, Vec<u32>)> {
    let path =
        reference.join("traces/spot").join(&row[0]).join(&row[1]).join(&row[2]).join(format!("{}.json", row[zone]));
    let recording = path.exists().then(|| read_skypilot(&path).unwrap())?;
    let counts = recording.capacity.samples(recording.gap).collect();
    Some((recording, counts))
}

fn columns(s: &SeriesStatistics) -> [f64; 15] {
    [
        s.samples as f64,
        f64::from(s.most),
        s.available,
        s.full,
        s.up.runs as f64,
        s.up.mean_h,
        s.up.median_h,
        s.up.cv,
        s.down.mean_h,
        s.down.median_h,
        s.down.cv,
        s.drops as f64,
        s.large_drops as f64,
        s.lost as f64,
        s.mean_time_to_preemption_h,
    ]
}

/// Equal in all four printed digits.
fn is_printed(value: f64, printed: &str) -> bool {
    (value - printed.parse::<f64>().unwrap()).abs() <= 0.500_001e-4
}

#[test]
fn series_have_the_statistics_of_the_table() {
    let Some(reference) = reference() else { return };
    let mut checked = 0;
    for row in rows(&reference.join("mechanisms/spot_trace_stats.csv")) {
        let Some((recording, counts)) = recording(&reference, &row, 3) else { continue };
        assert_eq!(recording.gap.as_s_f64(), row[4].parse::<f64>().unwrap());
        let found = columns(&series_statistics(&counts, recording.gap.as_s_f64()));
        for (index, printed) in row[5..].iter().enumerate() {
            assert!(is_printed(found[index], printed), "{row:?}, column {}: {}", index + 5, found[index]);
        }
        checked += 1;
    }
    assert!(checked > 0);
    println!("{checked} series are equal to the table");
}

#[test]
fn zones_have_the_correlation_of_the_table() {
    let Some(reference) = reference() else { return };
    let mut checked = 0;
    for row in rows(&reference.join("mechanisms/spot_zone_corr.csv")) {
        let zones = (recording(&reference, &row, 3), recording(&reference, &row, 4));
        let (Some(a), Some(b)) = zones else { continue };
        let mut together = Together::new(2);
        together.add(&[a.1, b.1]);
        assert!(is_printed(together.correlation(0, 1), &row[6]), "{row:?}: {}", together.correlation(0, 1));
        checked += 1;
    }
    assert!(checked > 0);
    println!("{checked} correlations are equal to the table");
}

/// Mean times to preemption and joint unavailability as published with the reference data.
#[test]
fn nine_zones_together() {
    let Some(reference) = reference() else { return };
    let folder = reference.join("traces/spot/availability/1-node/aws-02-15-2023");
    let Ok(zones) = flashcrowd_workloads::markets::recorded::read_skypilot_folder(&folder) else {
        println!("skipped: no {}", folder.display());
        return;
    };
    let counts: Vec<Vec<u32>> = zones.iter().map(|zone| zone.capacity.samples(zone.gap).collect()).collect();
    let hours = [0.72, 1.49, 1.67, 2.26, 5.72, 4.28, 6.10, 10.51, 6.85];
    for (counts, hours) in counts.iter().zip(hours) {
        assert!((series_statistics(counts, 195.0).mean_time_to_preemption_h - hours).abs() <= 0.005_001);
    }
    let mut together = Together::new(9);
    together.add(&counts);
    for (k, measured, digit) in
        [(2, 0.1586, 1e-4), (3, 0.0801, 1e-4), (4, 0.0444, 1e-4), (6, 0.017_55, 1e-5), (9, 0.007_94, 1e-5)]
    {
        assert!((together.joint_unavailability(k) - measured).abs() <= 0.5001 * digit, "{k}");
    }
}

#[test]
fn a_bamboo_recording_is_read() {
    let Some(reference) = reference() else { return };
    let name = "aws-spot-instances-g4dn-xlarge-us-east-1c-2020-11-20-1930-to-2020-11-21-2200.csv";
    let path = reference.join("traces/bamboo_spot").join(name);
    if !path.exists() {
        println!("skipped: no {}", path.display());
        return;
    }
    let series = read_bamboo(&path, TimeUnit::default()).unwrap();
    let drops: Vec<u32> =
        series.steps().windows(2).map(|pair| pair[0].1.saturating_sub(pair[1].1)).filter(|n| *n > 0).collect();
    // A mean batch of 2.4 and a largest of 10 are published with the reference data.
    let mean = f64::from(drops.iter().sum::<u32>()) / drops.len() as f64;
    assert!((mean - 2.4).abs() < 0.05 && drops.iter().max() == Some(&10), "{mean} {drops:?}");
}
