//! Pages of documentation are read beside code: their lines have at most a hundred columns.

use std::fs;
use std::path::Path;

const COLUMNS: usize = 100;

/// Lines that are too long and could be broken: not those of code, tables and links.
fn too_long(page: &str) -> Vec<&str> {
    let mut is_code = false;
    let breakable = |line: &&str| {
        is_code ^= line.trim_start().starts_with("```");
        // A line that is one long word after its mark has no place to break.
        let words = line.split_whitespace().filter(|word| word.chars().count() < COLUMNS / 2).count();
        !is_code && !line.starts_with('|') && line.chars().count() > COLUMNS && words > 3 && !line.contains("](")
    };
    page.lines().filter(breakable).collect()
}

#[test]
fn lines_of_pages_wrap() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages: Vec<_> =
        ["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(Into::into).to_vec();
    let docs = fs::read_dir(root.join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    pages.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    for page in pages {
        let text = fs::read_to_string(root.join(&page)).expect("a page");
        let long = too_long(&text);
        assert!(long.is_empty(), "{}: lines of more than {COLUMNS} columns:\n{}", page.display(), long.join("\n"));
    }
}

#[test]
fn a_long_line_is_found_where_it_can_be_broken() {
    let long = "word ".repeat(30);
    assert_eq!(too_long(&long).len(), 1);
    assert!(too_long(&format!("```\n{long}\n```\n| {long} |\n")).is_empty());
}
