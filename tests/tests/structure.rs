//! The shape of the source: within no crate do more than two files import each other in a circle, and one
//! more of a kind needs few changes.
//!
//! | file | holds |
//! | --- | --- |
//! | `scan` | what one file declares, imports and names |
//! | `tree` | the modules of a crate; names are followed through re-exports to the file that defines them |
//! | `add_one` | what it takes to add one of a kind |
//! | `circles` | files that import each other, by Tarjan's algorithm |
//!
//! What the check cannot see: methods, which are called without an import, and names that only a macro writes.

#[path = "structure/add_one.rs"]
mod add_one;
#[path = "structure/circles.rs"]
mod circles;
#[path = "structure/scan.rs"]
mod scan;
#[path = "structure/tree.rs"]
mod tree;

use circles::circles;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use tree::{Imports, Tree};

/// Most files that may import each other.
const LARGEST: usize = 2;

#[test]
fn no_circle_of_imports_has_more_than_two_files() {
    let found: Vec<String> = crates().iter().flat_map(|folder| too_large(&read(folder))).map(|found| found.1).collect();
    assert!(found.is_empty(), "files import each other in circles of more than {LARGEST}:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_found_through_re_exports_and_tests_do_not_count() {
    let lib = "mod a; mod b; mod face; pub use face::*; #[cfg(test)] mod tests;";
    let tree = |c: &str| {
        let files = [
            ("src/lib.rs", lib),
            ("src/a.rs", "use crate::B; // crate::face::C\npub struct A(B);"),
            ("src/b.rs", "pub struct B; impl B { fn c(&self) -> super::face::C { todo!(\"crate::A\") } }"),
            ("src/face/mod.rs", "mod c; pub use c::C; pub use crate::{a::A, b::B};"),
            ("src/face/c.rs", c),
            ("src/tests.rs", "use crate::{A, B, C};"),
        ];
        Tree::of(files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into())
    };
    let circle = |c: &str| too_large(&tree(c)).into_iter().map(|(files, _)| files).collect::<Vec<_>>();
    // The face hands all names on and is part of no circle.
    assert_eq!(circle("use super::A; pub struct C(Box<A>);"), [["src/a.rs", "src/b.rs", "src/face/c.rs"]]);
    assert_eq!(circle("pub struct C; pub fn c() { crate::a::A::new() }").len(), 1);
    assert_eq!(circle("use super::super::face as f; pub struct C(f::A<'a'>);").len(), 1);
    // Two may know each other.
    assert_eq!(circle("use super::B; pub struct C;"), [[""; 0]; 0]);
    assert_eq!(circle("pub struct C; #[cfg(test)] mod tests { use crate::A; }"), [[""; 0]; 0]);
    assert_eq!(circle("pub struct C; /* crate::A */ const A: &str = r#\"crate::A\"#;"), [[""; 0]; 0]);
}

/// An error is a type: who calls can tell what went wrong, and not only print it.
#[test]
fn no_error_is_a_bare_text() {
    let all = crates().into_iter().flat_map(|folder| sources(&folder));
    let of_tests = |path: &Path| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"));
    let mut found = Vec::new();
    for (path, text) in all.filter(|(path, _)| !of_tests(path)) {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = code.lines().enumerate().filter(|(_, line)| has_bare_error(line));
        found.extend(lines.map(|(at, line)| format!("{}:{}: {}", path.display(), at + 1, line.trim())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    for bare in ["fn a() -> Result<(), String> {", "    b: Result<Vec<(u8, u8)>, &'static str>,"] {
        assert!(has_bare_error(bare), "{bare}");
    }
    assert!(!has_bare_error("fn a() -> Result<String, Error> {"));
}

fn has_bare_error(line: &str) -> bool {
    let error = line.rsplit_once("Result<").and_then(|(_, rest)| rest.rsplit_once(", "));
    error.is_some_and(|(_, error)| error.starts_with("String>") || error.starts_with("&'static str>"))
}

/// The circles of a crate that are too large: their files, and what ties them.
fn too_large(tree: &Tree) -> Vec<(Vec<String>, String)> {
    let imports = tree.imports();
    let all = circles(tree.files(), &imports);
    all.into_iter().filter(|files| files.len() > LARGEST).map(|files| named(tree, &imports, &files)).collect()
}

/// The names of a circle's files, and its imports in words.
fn named(tree: &Tree, imports: &Imports, files: &[usize]) -> (Vec<String>, String) {
    let mut names: Vec<String> = files.iter().map(|&file| tree.name(file)).collect();
    names.sort();
    let mut shown = format!("{} files: {names:?}\n", names.len());
    for ((from, to), taken) in imports.iter().filter(|((from, to), _)| files.contains(from) && files.contains(to)) {
        let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
        let _ = writeln!(shown, "  {} -> {}: {}", tree.name(*from), tree.name(*to), taken.join(", "));
    }
    (names, shown)
}

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Folders of the workspace's crates, as its manifest lists them.
fn crates() -> Vec<PathBuf> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, members) = manifest.split_once("\nmembers = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let folders: Vec<PathBuf> = members.split('"').skip(1).step_by(2).map(PathBuf::from).collect();
    assert!(folders.len() > 5, "{folders:?}");
    folders
}

fn read(folder: &Path) -> Tree {
    Tree::of(sources(folder))
}

/// The sources of a crate, named from the workspace on.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut open = vec![folder.join("src")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(root().join(&path)).unwrap();
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}
