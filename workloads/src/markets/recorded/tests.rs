//! Readers of recorded capacity: hand-written files, and what each refuses.

use super::*;
use flashcrowd_core::clock::{SimDuration, SimTime};
use std::path::PathBuf;

fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn skypilot_counts_and_folders() {
    let (folder, _) = file("b.json", r#"{"metadata": {"gap_seconds": 60, "x": 1}, "data": [3, 3, 1.0, 0]}"#);
    std::fs::write(folder.path().join("a.json"), r#"{"metadata":{"gap_seconds":195},"data":[0]}"#).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
    let zones = read_skypilot_folder(folder.path()).unwrap();
    assert_eq!(zones.iter().map(|zone| zone.zone.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let b = &zones[1];
    assert_eq!(b.capacity.steps(), [(SimTime::ZERO, 3), (SimTime::from_s(120), 1), (SimTime::from_s(180), 0)]);
    assert_eq!(
        (b.gap, b.capacity.end(), zones[0].capacity.end()),
        (SimDuration::from_s(60), SimTime::from_s(240), SimTime::from_s(195))
    );
    assert!(read_skypilot_folder(tempfile::tempdir().unwrap().path()).is_err());
}

#[test]
fn skypilot_refuses_with_place_and_expectation() {
    let data = |gap: &str, data: &str| format!("{{\"metadata\":{{\"gap_seconds\":{gap}}},\n\"data\":{data}}}");
    for (text, place, part) in [
        (data("195", "[0, NaN]"), "x.json:2", "expected"),
        (data("195", "[0, -1]"), "x.json", "`data[1]` is -1: expected 0 to 1000000"),
        (data("195", "[0.5]"), "x.json", "`data[0]` is 0.5"),
        (data("195", "[]"), "x.json", "0 samples"),
        (data("0", "[1]"), "x.json", "`gap_seconds` is 0"),
        (data("1e300", "[1]"), "x.json", "`gap_seconds` is"),
        (data("86400", &format!("{:?}", vec![1; 300])), "x.json", "at most 213 days"),
        ("[1, 2]".to_owned(), "x.json:1", "expected {\"metadata\""),
    ] {
        let (_folder, path) = file("x.json", &text);
        let error = read_skypilot(&path).unwrap_err();
        assert!(error.place.ends_with(place) && error.message.contains(part), "{text}: {error:?}");
    }
}

#[test]
fn bamboo_in_seconds_and_hours() {
    let s = SimTime::from_s;
    let (_folder, path) = file("b.csv", "0,0\n21529,0\n21529,4\n21556,4\n21556,12\n88032,8\n");
    let series = read_bamboo(&path, TimeUnit::Detect).unwrap();
    assert_eq!(series.steps(), [(s(0), 0), (s(21_529), 4), (s(21_556), 12), (s(88_032), 8)]);
    let (_folder, path) = file("h.csv", "0,2\r\n1.5,1\r\n");
    assert_eq!(read_bamboo(&path, TimeUnit::Detect).unwrap().steps(), [(s(0), 2), (s(5_400), 1)]);
    assert_eq!(read_bamboo(&path, TimeUnit::Seconds).unwrap().end(), SimTime::from_ps(1_500_000_000_000));
}

#[test]
fn rows_that_are_none_are_refused_by_line() {
    for (text, line, part) in [
        ("0,1\n5,-1\n", 2, "expected a time and a count"),
        ("0,1\nNaN,1\n", 2, "expected a time"),
        ("0,1\n5\n", 2, "expected a time"),
        ("0,1\n5,1\n4,1\n", 3, "time goes back"),
    ] {
        let (_folder, path) = file("x.csv", text);
        for error in [read_bamboo(&path, TimeUnit::Detect).unwrap_err(), read_parcae_csv(&path).unwrap_err()] {
            assert!(error.place.ends_with(&format!("x.csv:{line}")) && error.message.contains(part), "{error:?}");
        }
    }
    let (_folder, path) = file("x.csv", "");
    assert!(read_bamboo(&path, TimeUnit::Hours).is_err() && read_parcae_json(&path).is_err());
    let (_folder, path) = file("x.csv", "0,1\n1e30,1\n");
    assert!(read_bamboo(&path, TimeUnit::Hours).is_err() && read_parcae_csv(&path).is_err());
}

#[test]
fn parcae_groups_equal_instants() {
    let s = SimTime::from_s;
    let (_folder, path) = file("p.csv", "1000,1\n1000,2\n3000,1\n3000,0\n");
    assert_eq!(read_parcae_csv(&path).unwrap().steps(), [(s(0), 2), (s(2), 0)]);
    let text = "[0,\"add\",{\"nodes\":[\"a\",\"b\"],\"duration\":5}]\n[0,\"add\",{\"nodes\":[\"c\"]}]\n\
                [2000,\"no-op\",{}]\n[4000,\"remove\",{\"nodes\":[\"a\",\"x\"]}]\n";
    let (_folder, path) = file("p.jsonl", text);
    assert_eq!(read_parcae_json(&path).unwrap().steps(), [(s(0), 3), (s(4), 2)]);
    let (_folder, path) = file("p.jsonl", "[0,\"take\",{\"nodes\":[]}]\n");
    assert!(read_parcae_json(&path).unwrap_err().message.contains("`take`"));
}
