//! The columns of the Azure LLM inference traces, found by name.

use super::format::{Complaint, Detected, ReadRow, Record, TraceFormat};
use super::own::{Cell, TimeForm, header_names, in_other_form, proposal};
use super::timestamp;
use std::sync::Arc;

/// The format. What is of no other is taken for it, so that the message says which columns are missing.
pub(super) const FORMAT: TraceFormat = TraceFormat {
    name: "AzureLlm",
    about: "CSV: `TIMESTAMP,ContextTokens,GeneratedTokens`.",
    detect: |first| Some(Columns::of(first).map(|columns| Detected { reader: Arc::new(columns), is_row: false })),
};

/// Where the columns are.
#[derive(Clone, Copy, Debug)]
struct Columns {
    timestamp: usize,
    context: usize,
    generated: usize,
    count: usize,
}

const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens";
const NAMES: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

impl Columns {
    /// Reads the header.
    fn of(header: &str) -> Result<Columns, Complaint> {
        let header = header.trim_start_matches('\u{feff}');
        let names: Vec<&str> = header.split(',').map(|name| name.trim().trim_matches('"')).collect();
        if TimeForm::of(Cell::Text(names[0])).is_some() {
            let hint = format!("put `{HEADER}` in the first line");
            return Err(("the header is missing: the first line is a row".to_owned(), Some(hint)));
        }
        let find = |wanted: &str| {
            let mut found = names.iter().enumerate().filter(|(_, name)| **name == wanted);
            match (found.next(), found.next()) {
                (Some((index, _)), None) => Ok(index),
                (Some(_), Some(_)) => Err((format!("the header has the column `{wanted}` twice"), None)),
                // A file of no known format: its columns can be named.
                (None, _) => Err(proposal(&header_names(header).1)),
            }
        };
        Ok(Columns {
            timestamp: find(NAMES[0])?,
            context: find(NAMES[1])?,
            generated: find(NAMES[2])?,
            count: names.len(),
        })
    }
}

impl ReadRow for Columns {
    fn read(&self, line: &str, _: &mut Vec<u64>) -> Result<Record, Complaint> {
        if line.contains('"') {
            return Err(("quoted fields are not part of this format".to_owned(), None));
        }
        let mut fields = [""; 3];
        let mut count = 0;
        for field in line.split(',') {
            let place = [self.timestamp, self.context, self.generated].iter().position(|column| *column == count);
            if let Some(place) = place {
                fields[place] = field.trim();
            }
            count += 1;
        }
        if count != self.count {
            return Err((format!("expected {} fields, found {count}", self.count), None));
        }
        let at_ps = timestamp::parse(fields[0]).ok_or_else(|| {
            let message = format!("`{}` is no time: expected YYYY-MM-DD HH:MM:SS.fffffff", clipped(fields[0]));
            (message, TimeForm::of(Cell::Text(fields[0])).map(|form| in_other_form(NAMES, form)))
        })?;
        let prompt_tokens = tokens("ContextTokens", fields[1])?;
        let output_tokens = tokens("GeneratedTokens", fields[2])?;
        Ok(Record { at_ps, prompt_tokens, output_tokens })
    }

    fn is_absolute(&self) -> bool {
        true
    }
}

fn tokens(column: &str, text: &str) -> Result<u32, Complaint> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(0) => Err((format!("{column} is 0: the row has no tokens"), None)),
        Ok(tokens) if digits => Ok(tokens),
        _ => Err((format!("{column} is `{}`: expected a whole number from 1 to {}", clipped(text), u32::MAX), None)),
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}
