//! What it takes to add one of a kind: for each kind a patch in `tests/add-one`, of which the places that
//! it changes are counted, and all of which together must compile in a copy of the workspace.

use super::root;
use diffy::Patch;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// By kind: places of files that stand already which a patch may change, in how many files, and new files.
const MOST: [(&str, [usize; 3]); 8] = [
    ("service-field", [2, 2, 0]),
    ("policy", [3, 2, 2]),
    ("manifest-kind", [3, 2, 3]),
    ("router", [3, 2, 0]),
    ("traffic-generator", [3, 2, 2]),
    ("trace-format", [3, 2, 1]),
    ("series-column", [1, 1, 0]),
    ("figure", [1, 1, 0]),
];

/// Texts of files by their path from the workspace on.
type Files = BTreeMap<PathBuf, String>;

#[test]
fn what_it_takes_to_add_one_of_a_kind() {
    println!("{:<18} {:>6} {:>5} {:>9}", "add one", "places", "files", "new files");
    for (kind, most) in MOST {
        let places = places(&patch_of(kind));
        let new = places.values().filter(|places| **places == 0).count();
        let found = [places.values().sum(), places.len() - new, new];
        println!("{kind:<18} {:>6} {:>5} {:>9}", found[0], found[1], found[2]);
        assert_eq!(found, most, "{kind}: {places:?}");
    }
    let kinds = fs::read_dir(root().join("tests/add-one")).unwrap().count();
    assert_eq!(kinds, MOST.len(), "each patch of tests/add-one has its row");
}

#[test]
fn every_patch_applies_to_the_sources_as_they_are() {
    let mut files = Files::new();
    for (kind, _) in MOST {
        apply(&patch_of(kind), &mut files);
    }
    assert!(files.len() > MOST.len());
}

#[test]
fn places_are_runs_of_changed_lines() {
    let patch = "--- a/x.rs\n+++ b/x.rs\n@@ -1,5 +1,6 @@\n a\n+b\n c\n-d\n+e\n f\n g\n--- /dev/null\n+++ b/y.rs\n@@ -0,0 +1 @@\n+y\n";
    let found = places(patch);
    assert_eq!(found, BTreeMap::from([(PathBuf::from("x.rs"), 2), (PathBuf::from("y.rs"), 0)]));
}

#[test]
#[ignore = "checks a copy of the workspace"]
fn all_of_them_together_compile() {
    let mut files = Files::new();
    for (kind, _) in MOST {
        apply(&patch_of(kind), &mut files);
    }
    give_another_version(&mut files);
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("add-one");
    copy_workspace(&copy, &files);
    // Where the workspace's own are built, so that dependencies are there.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--workspace", "--offline", "--quiet"]).current_dir(&copy).env("CARGO_TARGET_DIR", target);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Cargo tells crates apart by name and version, not by where a workspace lies: without another version it would
/// take what is built of the copy for what is built of the workspace.
fn give_another_version(files: &mut Files) {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"");
    let other = concat!("version = \"", env!("CARGO_PKG_VERSION"), "-copy\"");
    assert_eq!(manifest.matches(version).count(), 1, "the workspace says its version once");
    files.insert("Cargo.toml".into(), manifest.replace(version, other));
}

fn patch_of(kind: &str) -> String {
    let path = root().join("tests/add-one").join(kind).with_extension("patch");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// By file, the runs of lines that change; 0 for a new file.
fn places(patch: &str) -> BTreeMap<PathBuf, usize> {
    let mut places = BTreeMap::new();
    for (path, is_new, text) in files_of(patch) {
        let body = text.lines().skip(2).map(|line| line.starts_with(['+', '-']));
        let (mut runs, mut within) = (0, false);
        for changes in body {
            runs += usize::from(changes && !within);
            within = changes;
        }
        places.insert(path, if is_new { 0 } else { runs });
    }
    places
}

/// The parts of a patch, one for each file: its path, whether it is new, and the part.
fn files_of(patch: &str) -> Vec<(PathBuf, bool, String)> {
    let mut parts: Vec<(PathBuf, bool, String)> = Vec::new();
    for line in patch.split_inclusive('\n') {
        if line.starts_with("--- ") {
            parts.push((PathBuf::new(), line.starts_with("--- /dev/null"), String::new()));
        }
        let part = parts.last_mut().expect("a patch begins with `---`");
        if let Some(path) = line.strip_prefix("+++ b/") {
            part.0 = PathBuf::from(path.trim_end());
        }
        part.2.push_str(line);
    }
    parts
}

/// Applies a patch; files that it changes first are read from the workspace.
fn apply(patch: &str, files: &mut Files) {
    for (path, is_new, text) in files_of(patch) {
        let before = match files.get(&path) {
            Some(text) => text.clone(),
            None if is_new => String::new(),
            None => fs::read_to_string(root().join(&path)).unwrap(),
        };
        let patch = Patch::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let after = diffy::apply(&before, &patch);
        let after = after.unwrap_or_else(|error| panic!("the patch of {} is out of date: {error}", path.display()));
        files.insert(path, after);
    }
}

/// A copy of the workspace's sources with other texts of some; what is equal already is not written again,
/// so that a second check is short.
fn copy_workspace(to: &Path, changed: &Files) {
    let mut wanted: Vec<PathBuf> = changed.keys().cloned().collect();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.file_type().unwrap().is_dir() {
                if !hidden && !["target", "out"].contains(&path.to_string_lossy().as_ref()) {
                    open.push(path);
                }
            } else {
                wanted.push(path);
            }
        }
    }
    for path in wanted {
        let text = changed.get(&path).map(|text| text.as_bytes().to_vec());
        let text = text.unwrap_or_else(|| fs::read(root().join(&path)).unwrap());
        let at = to.join(&path);
        if fs::read(&at).ok().as_ref() != Some(&text) {
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, text).unwrap();
        }
    }
}
