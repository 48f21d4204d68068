//! Sweeps: whole commands that are killed, resumed, cut into shards and put together again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "2h",
    warmup: "10m",
    replicates: 2,
    pools: {"p": (gpu: "L40S", gpus_per_node: 1, max_nodes: 4, min_nodes: 1, gpu_price: "2/h")},
    services: {
        "chat": (
            serving: Slots(4),
            service_time: Exponential(mean: "400ms"),
            slo: [(quantile: 0.95, limit: "3s")],
            autoscaler: QueueDepth(waiting_per_replica: 4, min: 1, max: 4),
        ),
    },
    traffic: {"t": Poisson(rate: 11)},
)
"#;

fn flashcrowd(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    command.current_dir(folder).args(args).stdin(Stdio::null());
    command
}

fn played(folder: &Path, args: &[&str]) -> Output {
    let output = flashcrowd(folder, args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn said(folder: &Path, args: &[&str], code: i32) -> String {
    let output = flashcrowd(folder, args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    text
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), SCENARIO).unwrap();
    folder
}

/// Every file below a folder with its bytes, but for what says how long it took.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if entry.file_name() != "timing.csv" && entry.file_name() != ".lock" {
                all.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    all
}

const OVER: [&str; 4] =
    ["--over", "services.chat.autoscaler.waiting_per_replica=1,2,8,32", "--over", "pools.p.max_nodes=1,2,3"];

/// The sweep of all tests: 12 points, twice.
fn sweep<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["sweep", "s.ron"], &OVER[..], more].concat()
}

#[test]
fn a_table_says_what_holds_and_is_cheapest() {
    let folder = folder();
    let output = played(folder.path(), &sweep(&[]));
    insta::assert_snapshot!("report", String::from_utf8_lossy(&output.stdout));
    let mut table = csv::Reader::from_path(folder.path().join("out/s-sweep/sweep.csv")).unwrap();
    let header = table.headers().unwrap().clone();
    for column in [
        "services.chat.autoscaler.waiting_per_replica",
        "pools.p.max_nodes",
        "cost_usd",
        "chat.e2e.p99",
        "pool.p.cost_usd",
    ] {
        assert!(header.iter().any(|name| name == column), "{column}: {header:?}");
    }
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 24);
    let at = |name: &str| header.iter().position(|own| own == name).unwrap();
    // A row is what `run` finds with the same settings, column by column.
    let settings =
        ["--set", "services.chat.autoscaler.waiting_per_replica=2", "--set", "pools.p.max_nodes=3", "--out", "alone"];
    played(folder.path(), &[&["run", "s.ron"], &settings[..]].concat());
    let mut alone = csv::Reader::from_path(folder.path().join("alone/runs.csv")).unwrap();
    let columns = alone.headers().unwrap().clone();
    let alone: Vec<csv::StringRecord> = alone.records().map(Result::unwrap).collect();
    assert_eq!(alone.len(), 2);
    let point = |row: &&csv::StringRecord| {
        (&row[at("services.chat.autoscaler.waiting_per_replica")], &row[at("pools.p.max_nodes")]) == ("2", "3")
    };
    for (swept, alone) in rows.iter().filter(point).zip(&alone) {
        assert!(columns.len() > 60, "{columns:?}");
        for (name, value) in columns.iter().zip(alone) {
            assert_eq!(&swept[at(name)], value, "{name}");
        }
    }
}

/// On one thread and on three, in shards, and after having been killed: the same bytes.
#[test]
fn however_it_is_played_the_bytes_are_the_same() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    played(folder.path(), &sweep(&["--out", "one", "--threads", "1"]));
    let whole = files(&at("one"));
    assert_eq!(whole.keys().filter(|name| name.starts_with("cells")).count(), 24);
    played(folder.path(), &sweep(&["--out", "three", "--threads", "3"]));
    assert!(files(&at("three")) == whole, "three threads differ");
    for shards in [2, 7] {
        let names: Vec<String> = (1..=shards).map(|index| format!("shard-{index}-of-{shards}")).collect();
        for (index, name) in names.iter().enumerate() {
            let shard = format!("{}/{shards}", index + 1);
            played(folder.path(), &sweep(&["--out", name, "--shard", &shard]));
        }
        let merged = format!("of-{shards}");
        let mut merge = vec!["sweep", "merge", "--out", &merged];
        merge.extend(names.iter().map(String::as_str));
        played(folder.path(), &merge);
        assert!(files(&at(&merged)) == whole, "{shards} shards differ");
    }
}

/// Killed three times at any moment, and run to its end: no cell is played twice, and all is as if it had
/// been played at once.
#[test]
fn a_sweep_that_is_killed_goes_on_where_it_was() {
    let folder = folder();
    let long = ["--set", "horizon=6h", "--threads", "2"];
    played(folder.path(), &sweep(&[&long[..], &["--out", "whole"]].concat()));
    let whole = files(&folder.path().join("whole"));
    let out = folder.path().join("killed");
    let args = sweep(&[&long[..], &["--out", "killed"]].concat());
    for wanted in [1, 6, 13] {
        let mut child = flashcrowd(folder.path(), &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let cells = || files(&out).keys().filter(|name| name.extension().is_some_and(|end| end == "json")).count();
        // The plan is a file, too.
        while !out.exists() || cells() <= wanted {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let before = fs::metadata(out.join("sweep.json")).is_ok();
    assert!(before && !out.join("sweep.csv").exists(), "it was killed in the middle");
    played(folder.path(), &args);
    assert!(files(&out) == whole, "it differs after having been killed");
    // Each cell once: a kill between a cell and its time loses the time.
    let timing = fs::read_to_string(out.join("timing.csv")).unwrap();
    let mut cells: Vec<&str> = timing.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let count = cells.len();
    cells.sort_unstable();
    cells.dedup();
    assert!(cells.len() == count && (21..=24).contains(&count), "{timing}");
}

#[test]
fn shards_that_do_not_make_a_whole_name_what_is_missing() {
    let folder = folder();
    played(folder.path(), &sweep(&["--out", "a", "--shard", "1/2"]));
    let text = said(folder.path(), &["sweep", "merge", "a", "--out", "whole"], 4);
    assert!(
        text.contains("12 cells are missing") && text.contains("waiting_per_replica=1, max_nodes=1, replicate 2"),
        "{text}"
    );
    assert!(!folder.path().join("whole").exists());
    let text = said(folder.path(), &["sweep", "merge", "s.ron", "--out", "whole"], 2);
    assert!(text.contains("holds no finished sweep") || text.contains("cannot use"), "{text}");
}

#[test]
fn what_cannot_be_swept_is_said() {
    let folder = folder();
    let mut all = String::new();
    let cases: [(&str, &[&str]); 13] = [
        ("nothing varies", &[]),
        ("no such path", &["--over", "services.chat.autoscalr.waiting_per_replica=1,2"]),
        ("no such field", &["--over", "services.chat.autoscaler.waiting_per_replic=1,2"]),
        ("a value of the wrong kind", &["--over", "pools.p.max_nodes=1,2,many"]),
        ("a range in a grid", &["--over", "services.chat.autoscaler.waiting_per_replica=1..9"]),
        ("no axis", &["--over", "replicates=1,2"]),
        ("no values", &["--over", "pools.p.max_nodes"]),
        ("twice", &["--over", "pools.p.max_nodes=1,1"]),
        ("linked", &["--over", "pools.p.max_nodes,pools.p.min_nodes=(1,1),2"]),
        ("sample", &["--over", "pools.p.max_nodes=1..4", "--sample", "random:10"]),
        ("shard", &["--over", "pools.p.max_nodes=1,2", "--shard", "3/2"]),
        ("no policy", &["--policies", "none.yaml"]),
        ("no scenario", &["--over", "pools.p.max_nodes=1,2", "--service", "chat"]),
    ];
    for (what, args) in cases {
        let text = said(folder.path(), &[&["sweep", "s.ron", "--out", "out"], args].concat(), 2);
        let _ = writeln!(all, "== {what}\n{text}");
    }
    insta::assert_snapshot!("refused", all);
    assert!(!folder.path().join("out").exists(), "nothing is half-written");
}

#[test]
fn a_folder_holds_one_sweep() {
    let folder = folder();
    played(folder.path(), &sweep(&["--out", "out"]));
    let other = said(folder.path(), &["sweep", "s.ron", "--over", "pools.p.max_nodes=1,2", "--out", "out"], 2);
    assert!(other.contains("it differs in its axes"), "{other}");
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/notes.txt"), "mine").unwrap();
    let text = said(folder.path(), &sweep(&["--out", "mine"]), 2);
    assert!(text.contains("exists and holds no sweep"), "{text}");
    // Another version of the program.
    let plan = folder.path().join("out/sweep.json");
    let changed = fs::read_to_string(&plan).unwrap().replace("\"version\":\"", "\"version\":\"9.");
    fs::write(&plan, changed).unwrap();
    let text = said(folder.path(), &sweep(&["--out", "out"]), 2);
    assert!(text.contains("it differs in its program"), "{text}");
}

/// What stands in the folders of shards is input, too.
#[test]
fn damaged_shards_are_told_by_their_file() {
    let folder = folder();
    played(folder.path(), &sweep(&["--out", "a", "--shard", "1/1"]));
    let at = |name: &str| folder.path().join("a").join(name);
    let (index, plan) = (fs::read_to_string(at("index.csv")).unwrap(), fs::read_to_string(at("sweep.json")).unwrap());
    for (from, to) in [("0,0,0,", "0,9,0,"), ("0,0,0,", "99,0,0,"), ("0,0,0,", "0,0,0,../../"), ("0,0,0,", "x,0,0,")] {
        fs::write(at("index.csv"), index.replacen(from, to, 1)).unwrap();
        let text = said(folder.path(), &["sweep", "merge", "a", "--out", "whole"], 2);
        assert!(text.contains("index.csv` is damaged"), "{to}: {text}");
    }
    fs::write(at("index.csv"), &index).unwrap();
    for (from, to) in [("\"points\":12", "\"points\":9999999999"), ("\"Grid\"", "{\"Lhs\":4000000000}"), ("{", "{{")] {
        assert!(plan.contains(from), "{plan}");
        fs::write(at("sweep.json"), plan.replacen(from, to, 1)).unwrap();
        let text = said(folder.path(), &["sweep", "merge", "a", "--out", "whole"], 2);
        assert!(text.contains("sweep.json` is damaged"), "{to}: {text}");
    }
    assert!(!folder.path().join("whole").exists());
}

#[test]
fn variants_have_one_number_of_replicates() {
    let folder = folder();
    let variants = SCENARIO.replace("traffic:", "variants: {\"a\": [], \"b\": [\"replicates=3\"]},\n    traffic:");
    fs::write(folder.path().join("s.ron"), variants).unwrap();
    let text = said(folder.path(), &sweep(&[]), 2);
    assert!(text.contains("different numbers of replicates") && text.contains("--replicates N"), "{text}");
}

/// A limit on the size of files stands in for a disk that is full: too low for a cell, and too low for a table.
#[test]
fn a_disk_that_is_full_leaves_nothing_half_written() {
    let folder = folder();
    let short = ["--set", "horizon=20m", "--replicates", "8"];
    played(folder.path(), &sweep(&[&short[..], &["--out", "whole"]].concat()));
    let whole = files(&folder.path().join("whole"));
    let largest = |end: &str| {
        let sizes =
            whole.iter().filter(|(name, _)| name.to_string_lossy().ends_with(end)).map(|(_, bytes)| bytes.len());
        sizes.max().unwrap()
    };
    let (cell, table) = (largest(".json").div_ceil(1024), largest("sweep.csv") / 1024);
    assert!(cell < table, "a table is larger than a cell: {cell} {table} KiB");
    for (limit, name) in [(cell / 2, "cells"), (table, "sweep.csv")] {
        let out = format!("full-{name}");
        let args = sweep(&[&short[..], &["--out", &out]].concat());
        let program = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("bash");
        shell.current_dir(folder.path()).args(["-c", &program, env!("CARGO_BIN_EXE_flashcrowd")]).args(&args);
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(name) && said.contains("run the sweep again to go on"), "{said}");
        let left = files(&folder.path().join(&out));
        let tables = ["sweep.csv", "sweep.parquet"].iter().filter(|name| left.contains_key(Path::new(name))).count();
        assert_eq!(tables, 0, "{limit} KiB");
        for (file, bytes) in &left {
            assert!(whole.get(file) == Some(bytes), "{} is half-written", file.display());
        }
        played(folder.path(), &args);
        assert!(files(&folder.path().join(&out)) == whole, "it differs after the disk was full");
    }
}

/// Both tables have the same rows: numbers as numbers, and nothing where there is none.
#[test]
fn the_tables_hold_the_same() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let folder = folder();
    let args = ["sweep", "s.ron", "--over", "pools.p.max_nodes=1,2", "--over", "pools.p.provisioning=3m,8m"];
    played(folder.path(), &[&args[..], &["--out", "s", "--set", "horizon=30m"]].concat());
    let mut text = csv::Reader::from_path(folder.path().join("s/sweep.csv")).unwrap();
    let names: Vec<String> = text.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = text.records().map(Result::unwrap).collect();
    let reader = SerializedFileReader::new(fs::File::open(folder.path().join("s/sweep.parquet")).unwrap()).unwrap();
    let typed: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!((typed.len(), rows.len()), (8, 8));
    let (mut numbers, mut nothing) = (0, 0);
    for (row, typed) in rows.iter().zip(&typed) {
        let typed: Vec<(&String, &Field)> = typed.get_column_iter().collect();
        assert_eq!(typed.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
        for ((name, field), text) in typed.into_iter().zip(row) {
            match field {
                Field::ULong(count) => assert_eq!(count.to_string(), text, "{name}"),
                Field::Str(own) => assert_eq!(own, text, "{name}"),
                Field::Double(number) => {
                    numbers += 1;
                    assert_eq!(number.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{name}");
                }
                Field::Null => {
                    nothing += 1;
                    assert_eq!(text, "", "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    assert!(numbers > 400 && nothing > 0, "{numbers} {nothing}");
    let schema = reader.metadata().file_metadata().schema_descr();
    let physical =
        |name: &str| schema.columns().iter().find(|column| column.name() == name).unwrap().physical_type().to_string();
    assert_eq!(physical("pools.p.max_nodes"), "DOUBLE");
    assert_eq!(physical("pools.p.provisioning"), "BYTE_ARRAY");
}
