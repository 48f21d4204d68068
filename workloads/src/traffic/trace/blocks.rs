//! Traces in JSON lines that name the blocks of each prompt: Mooncake's and Qwen-Bailian's.
//!
//! Sources: kvcache-ai/Mooncake `FAST25-release/traces` (milliseconds, blocks of 512 tokens);
//! alibaba-edu/qwen-bailian-usagetraces-anon (seconds, blocks of 16 tokens, known by `chat_id`). A
//! block's number stands for all tokens up to its end.

use super::format::{Complaint, Detected, ReadRow, Record, TraceFormat};
use super::own::{keys, proposal};
use serde::Deserialize;
use std::sync::Arc;

/// Qwen-Bailian's, known by its `chat_id`.
pub(super) const BAILIAN: TraceFormat = TraceFormat {
    name: "Bailian",
    about: "JSON lines of Qwen-Bailian: seconds, blocks of 16 tokens.",
    detect: |first| detect(first, true, Blocks { tokens: 16, ps_per_unit: 1e12 }),
};

/// Mooncake's: any other in JSON lines.
pub(super) const MOONCAKE: TraceFormat = TraceFormat {
    name: "Mooncake",
    about: "JSON lines of Mooncake: milliseconds, blocks of 512 tokens.",
    detect: |first| detect(first, false, Blocks { tokens: 512, ps_per_unit: 1e9 }),
};

/// How one of the two is read.
#[derive(Clone, Copy, Debug)]
struct Blocks {
    /// Of a block.
    tokens: u32,
    /// Picoseconds of one unit of `timestamp`.
    ps_per_unit: f64,
}

#[derive(Deserialize)]
struct Line {
    timestamp: f64,
    input_length: u32,
    output_length: u32,
    hash_ids: Vec<i64>,
    #[serde(default)]
    chat_id: Option<serde::de::IgnoredAny>,
}

fn detect(first: &str, has_chat_id: bool, reader: Blocks) -> Option<Result<Detected, Complaint>> {
    let first = first.trim_start_matches('\u{feff}');
    if !first.starts_with('{') {
        return None;
    }
    let line = match parse(first) {
        Ok(line) => line,
        // Objects of another kind: their keys can be named.
        Err(complaint) => {
            let keys = keys(first).filter(|keys| !keys.is_empty());
            return Some(Err(keys.map_or(complaint, |keys| proposal(&keys))));
        }
    };
    (line.chat_id.is_some() == has_chat_id).then(|| Ok(Detected { reader: Arc::new(reader), is_row: true }))
}

impl ReadRow for Blocks {
    fn read(&self, text: &str, hashes: &mut Vec<u64>) -> Result<Record, Complaint> {
        let line = parse(text.trim_start_matches('\u{feff}'))?;
        let ps = line.timestamp * self.ps_per_unit;
        // Exact in an `f64` to a picosecond for the first hours, to a microsecond for 285 years.
        if !(0.0..9e21).contains(&ps) {
            return Err((format!("`timestamp` is {}: expected a time from 0 on", line.timestamp), None));
        }
        for (name, tokens) in [("input_length", line.input_length), ("output_length", line.output_length)] {
            if tokens == 0 {
                return Err((format!("`{name}` is 0: the row has no tokens"), None));
            }
        }
        let expected = line.input_length.div_ceil(self.tokens) as usize;
        if line.hash_ids.len() != expected {
            let message = format!(
                "`hash_ids` has {} blocks: expected {expected}, since `input_length` is {} and a block has {} tokens",
                line.hash_ids.len(),
                line.input_length,
                self.tokens
            );
            return Err((message, None));
        }
        hashes.clear();
        hashes.extend(line.hash_ids.iter().map(|id| id.cast_unsigned()));
        Ok(Record { at_ps: ps.round() as i128, prompt_tokens: line.input_length, output_tokens: line.output_length })
    }

    fn block_tokens(&self) -> u32 {
        self.tokens
    }
}

fn parse(text: &str) -> Result<Line, Complaint> {
    serde_json::from_str(text).map_err(|error| {
        let words = error.to_string();
        let words = words.split(" at line").next().unwrap_or("it is no JSON");
        let hint = "a row has `timestamp`, `input_length`, `output_length` and `hash_ids`".to_owned();
        (format!("this is no row of a trace in JSON lines: {words} (column {})", error.column()), Some(hint))
    })
}
