//! Output folders: whole or not there, and whatever flashcrowd did not write stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const SCENARIO: &str = r#"(horizon: "1m", pools: {"p": (gpu: "L4", gpus_per_node: 1, gpu_price: "1/h", min_nodes: 2, max_nodes: 4)},
    services: {"a/b": (serving: Slots(concurrency: 1), service_time: "1s", replicas: 1),
               "A_b": (serving: Slots(concurrency: 1), service_time: "3s", replicas: 1)},
    traffic: {"t": Poisson(service: "a/b", rate: "0.5/s"), "u": Poisson(service: "A_b", rate: "0.1/s")})"#;

/// A folder with a scenario in it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Desk(TempDir::new().unwrap());
        fs::write(desk.path("ok.ron"), SCENARIO).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
        command.current_dir(self.0.path()).arg("run").args(args).arg("-q").output().unwrap()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_rerun_keeps_what_is_not_ours_and_renews_the_rest() {
    let desk = Desk::new();
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "o"])), Some(0));
    fs::write(desk.path("o/notes.txt"), "precious").unwrap();
    fs::create_dir(desk.path("o/notebook")).unwrap();
    fs::copy(desk.path("ok.ron"), desk.path("o/ok.ron")).unwrap();
    let before = fs::read_to_string(desk.path("o/summary.json")).unwrap();
    // A scenario may stand in its own folder.
    let again = desk.run(&["o/ok.ron", "--out", "o", "--seed", "2"]);
    assert_eq!(code(&again), Some(0), "{}", words(&again));
    assert_eq!(fs::read_to_string(desk.path("o/notes.txt")).unwrap(), "precious");
    assert!(desk.path("o/ok.ron").exists() && desk.path("o/notebook").is_dir());
    assert_ne!(fs::read_to_string(desk.path("o/summary.json")).unwrap(), before);
    assert_eq!(desk.names("."), ["o", "ok.ron"], "nothing else is left");
}

#[test]
fn what_an_earlier_run_wrote_and_this_one_does_not_is_gone() {
    let desk = Desk::new();
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "o"])), Some(0));
    let two = desk.names("o").into_iter().filter(|name| name.strip_suffix(".hgrm").is_some()).count();
    assert_eq!(two, 2, "names that clash as file names both have a file: {:?}", desk.names("o"));
    fs::write(desk.path("o/mine.txt"), "mine").unwrap();
    let fewer = r#"services={"a/b": (serving: Slots(concurrency: 1), service_time: "1s")}"#;
    let args = ["ok.ron", "--out", "o", "--set", fewer, "--set", "traffic.u.service=\"a/b\""];
    assert_eq!(code(&desk.run(&args)), Some(0));
    let left: Vec<String> = desk.names("o").into_iter().filter(|name| name.strip_suffix(".hgrm").is_some()).collect();
    assert_eq!(left, ["latency.hgrm"]);
    assert!(desk.path("o/mine.txt").exists());
}

#[test]
fn a_file_that_is_not_ours_is_never_written_over() {
    let desk = Desk::new();
    fs::create_dir(desk.path("theirs")).unwrap();
    fs::write(desk.path("theirs/data.txt"), "data").unwrap();
    let refused = desk.run(&["ok.ron", "--out", "theirs"]);
    assert_eq!(code(&refused), Some(2));
    assert!(words(&refused).contains("was not written by flashcrowd"), "{}", words(&refused));
    assert!(refused.stdout.is_empty(), "nothing ran");
    assert_eq!(desk.names("theirs"), ["data.txt"]);
    // Also not one that has the name of a file that this run would write for the first time.
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "o"])), Some(0));
    let variants = r#"variants={"x": []}"#;
    fs::write(desk.path("o/latency.x.A_b.hgrm"), "mine").unwrap();
    let refused = desk.run(&["ok.ron", "--out", "o", "--set", variants]);
    assert_eq!(code(&refused), Some(2), "{}", words(&refused));
    assert!(words(&refused).contains("latency.x.A_b.hgrm"), "{}", words(&refused));
    assert_eq!(fs::read_to_string(desk.path("o/latency.x.A_b.hgrm")).unwrap(), "mine");
}

/// We write files, and no folders: a list that says otherwise was made by somebody else, as was what it
/// names.
#[test]
fn a_list_that_names_folders_or_other_places_deletes_none() {
    let desk = Desk::new();
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "o"])), Some(0));
    fs::create_dir(desk.path("o/data")).unwrap();
    fs::write(desk.path("o/data/precious"), "precious").unwrap();
    fs::write(desk.path("outside"), "outside").unwrap();
    let list = fs::read_to_string(desk.path("o/files.json")).unwrap();
    let more = list.replacen("\"files\": [", "\"files\": [\"data\", \"../outside\", \"..\", \"/tmp\",", 1);
    assert_ne!(list, more);
    fs::write(desk.path("o/files.json"), more).unwrap();
    let again = desk.run(&["ok.ron", "--out", "o"]);
    assert_eq!(code(&again), Some(0), "{}", words(&again));
    assert_eq!(fs::read_to_string(desk.path("o/data/precious")).unwrap(), "precious");
    assert_eq!(fs::read_to_string(desk.path("outside")).unwrap(), "outside");
    // A hidden folder with the name of an interrupted exchange and files of somebody in it.
    fs::create_dir(desk.path(".o.17.old")).unwrap();
    fs::write(desk.path(".o.17.old/mine"), "mine").unwrap();
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "o"])), Some(0));
    assert!(desk.path(".o.17.old/mine").exists());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_what_it_leads_to_is_written() {
    let desk = Desk::new();
    fs::create_dir(desk.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", desk.path("link")).unwrap();
    for _ in 0..2 {
        assert_eq!(code(&desk.run(&["ok.ron", "--out", "link"])), Some(0));
        assert!(fs::symlink_metadata(desk.path("link")).unwrap().file_type().is_symlink());
        assert!(desk.path("elsewhere/summary.json").exists());
    }
    std::os::unix::fs::symlink("nowhere", desk.path("broken")).unwrap();
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "broken"])), Some(2));
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_runs() {
    let desk = Desk::new();
    fs::write(desk.path("file"), "").unwrap();
    for place in ["file", "file/below", "/proc/flashcrowd/out", "/"] {
        let refused = desk.run(&["ok.ron", "--out", place]);
        assert_eq!(code(&refused), Some(2), "{place}: {}", words(&refused));
        assert!(refused.stdout.is_empty(), "{place}");
    }
    assert_eq!(desk.names("."), ["file", "ok.ron"]);
}

#[test]
fn a_run_that_stops_leaves_the_folder_as_it_was() {
    let desk = Desk::new();
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "o"])), Some(0));
    let before = fs::read(desk.path("o/summary.json")).unwrap();
    let stopped = desk.run(&["ok.ron", "--out", "o", "--set", "limits=(live_requests: 1)"]);
    assert_eq!(code(&stopped), Some(2));
    assert_eq!(fs::read(desk.path("o/summary.json")).unwrap(), before);
    assert_eq!(desk.names("."), ["o", "ok.ron"]);
}

/// What a killed run left is collected by the next; what another run is writing is not.
#[test]
fn half_written_folders_are_collected() {
    let desk = Desk::new();
    let make = |name: &str| {
        fs::create_dir(desk.path(name)).unwrap();
        fs::write(desk.path(name).join(".lock"), "").unwrap();
        fs::write(desk.path(name).join("series.csv"), "half").unwrap();
    };
    make(".o.4000001.new");
    make(".o.4000002.new");
    make(".other.4000003.new");
    let busy = fs::File::open(desk.path(".o.4000002.new/.lock")).unwrap();
    busy.lock().unwrap();
    // An interrupted exchange: the old folder stands aside, and none in its place.
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "p"])), Some(0));
    fs::rename(desk.path("p"), desk.path(".p.4000004.old")).unwrap();
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "o"])), Some(0));
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "p"])), Some(0));
    assert_eq!(desk.names("."), [".o.4000002.new", ".other.4000003.new", "o", "ok.ron", "p"]);
}

#[test]
fn the_working_directory_may_be_the_place_once_it_is_ours() {
    let desk = Desk::new();
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "."])), Some(2), "it holds the scenario only");
    assert_eq!(code(&desk.run(&["ok.ron", "--out", "o"])), Some(0));
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    let inside = command.current_dir(desk.path("o")).args(["run", "../ok.ron", "-q", "--out", "."]).output().unwrap();
    assert_eq!(code(&inside), Some(0), "{}", words(&inside));
    assert!(Path::new(&desk.path("o/summary.json")).exists());
}
