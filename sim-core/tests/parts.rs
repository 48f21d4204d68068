//! The parts of the core: none knows the loop that wires them.

use std::fs;
use std::path::{Path, PathBuf};

const PARTS: [&str; 13] = [
    "agenda.rs",
    "clock",
    "control",
    "fleet",
    "id.rs",
    "journal",
    "ledger",
    "network",
    "ports",
    "queueing",
    "serving",
    "signals",
    "traffic",
];

/// All source files below a path.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).expect("a folder of the core");
    entries.flat_map(|entry| files(&entry.expect("an entry").path())).collect()
}

/// Lines of code that name something of another module of the crate.
fn names<'a>(text: &'a str, module: &str) -> Vec<&'a str> {
    let paths = ["crate", "super"].map(|root| format!("{root}::{module}"));
    let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    code.filter(|line| paths.iter().any(|path| line.contains(path))).collect()
}

#[test]
fn no_part_knows_the_loop() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for part in PARTS {
        let files = files(&source.join(part));
        assert!(!files.is_empty(), "{part}");
        for file in files {
            let text = fs::read_to_string(&file).expect("text");
            assert_eq!(names(&text, "simulation"), [""; 0], "{}", file.display());
        }
    }
}

/// The test above can fail.
#[test]
fn an_import_of_the_loop_is_found() {
    let text = "// crate::simulation\nuse crate::simulation::Event;\n";
    assert_eq!(names(text, "simulation"), ["use crate::simulation::Event;"]);
}
