//! CSV, with one header line or, as guidellm 0.4 and later write it, three.

use super::record::{Cell, Record, Text};
use flashcrowd_language::Diagnostic;
use std::collections::BTreeMap;
use std::ops::Range;

/// One line's cells.
struct Line {
    at: Range<usize>,
    cells: Vec<Cell>,
}

pub(super) fn records(text: &Text) -> Result<Vec<Record>, Diagnostic> {
    let mut lines = lines(text)?.into_iter();
    let Some(header) = lines.next() else { return Err(Diagnostic::about(text.file(), "the file is empty")) };
    let keys_at = header.at.clone();
    let mut keys: Vec<String> = header.cells.iter().map(|cell| cell.text.trim().to_owned()).collect();
    if keys.iter().any(|key| key == "Run Info") {
        for line in lines.by_ref().take(2) {
            for (key, cell) in keys.iter_mut().zip(&line.cells) {
                key.push(' ');
                key.push_str(cell.text.trim());
            }
        }
    }
    let mut records = Vec::new();
    for line in lines {
        if line.cells.len() != keys.len() {
            let (found, expected) = (line.cells.len(), keys.len());
            let error = text.error(&line.at, format!("this line has {found} cells, the header {expected}"));
            let help = "guidellm leaves out columns of runs without failures, which shifts the rest: give its JSON";
            return Err(if keys[0].starts_with("Run Info") { error.with_help(help) } else { error });
        }
        let mut cells = BTreeMap::new();
        for (key, cell) in keys.iter().zip(line.cells) {
            cells.entry(key.trim().to_owned()).or_insert(cell);
        }
        records.push(Record { cells, keys: keys_at.clone() });
    }
    if records.is_empty() {
        return Err(text.error(&keys_at, "there is a header but no run"));
    }
    Ok(records)
}

/// Splits into lines of cells; quoted cells may hold commas, line ends and doubled quotes.
fn lines(text: &Text) -> Result<Vec<Line>, Diagnostic> {
    let whole = text.text();
    let (mut lines, mut cells, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut line_start, mut start, mut quote) = (0, 0, None);
    let mut chars = whole.char_indices().chain([(whole.len(), '\n')]).peekable();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            ('"', Some(_)) if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                cell.push('"');
            }
            ('"', Some(_)) => quote = None,
            ('"', None) if cell.is_empty() => quote = Some(at),
            (_, Some(opened)) if at == whole.len() => {
                return Err(text.error(&(opened..opened + 1), "this quote is never closed"));
            }
            (',' | '\n', None) => {
                let end = start + whole[start..at].trim_end().len();
                cells.push(Cell { text: std::mem::take(&mut cell).trim_end_matches('\r').to_owned(), at: start..end });
                start = at + 1;
                if c == '\n' {
                    let blank = whole[line_start..at].trim().is_empty();
                    let cells = std::mem::take(&mut cells);
                    if !blank {
                        lines.push(Line { at: line_start..at, cells });
                    }
                    line_start = at + 1;
                }
            }
            (c, _) => cell.push(c),
        }
    }
    Ok(lines)
}
