//! The examples for clusters are commands that run: one shard each, as the cluster would start it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/cluster").join(name)
}

/// A shell that finds the program, in a folder.
fn shell(folder: &TempDir) -> Command {
    let bin = Path::new(env!("CARGO_BIN_EXE_flashcrowd")).parent().unwrap();
    let path = std::env::join_paths(
        [bin.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut command = Command::new("bash");
    command.current_dir(folder.path()).env("PATH", path.unwrap());
    command
}

fn cells(folder: &Path) -> usize {
    fs::read_to_string(folder.join("index.csv")).unwrap().lines().count() - 1
}

#[test]
fn the_array_of_slurm_plays_its_shard() {
    let folder = TempDir::new().unwrap();
    let task = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_COUNT", "200"), ("SLURM_ARRAY_TASK_MIN", "1")];
    let output = shell(&folder).arg(example("slurm-array.sh")).envs(task).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(cells(&folder.path().join("shards/7")), 1);
}

#[test]
fn the_indexed_job_of_kubernetes_plays_its_shard() {
    let folder = TempDir::new().unwrap();
    let text = fs::read_to_string(example("kubernetes-indexed-job.yaml")).unwrap();
    let job: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"], serde_json::json!(["sh", "-c"]));
    let place = folder.path().join("sweep");
    let script = container["args"][0].as_str().unwrap().replace("/sweep", place.to_str().unwrap());
    // As many shards as pods, but for the time that this test has.
    let of = format!("auto/{}", job["spec"]["completions"]);
    assert!(script.contains(&of), "{script}");
    let script = script.replace(&of, "auto/200");
    let output = shell(&folder).args(["-c", &script]).env("JOB_COMPLETION_INDEX", "3").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(cells(&place.join("shards/3")), 1);
}
