//! Traces in JSON lines that name the blocks of each prompt: Mooncake's and Qwen-Bailian's.
//!
//! Sources: kvcache-ai/Mooncake `FAST25-release/traces` (milliseconds, blocks of 512 tokens);
//! alibaba-edu/qwen-bailian-usagetraces-anon (seconds, blocks of 16 tokens, known by `chat_id`). A
//! block's number stands for all tokens up to its end.

use super::azure::{Complaint, Record};
use serde::Deserialize;

/// Which of the two formats a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocks {
    Mooncake,
    Bailian,
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

impl Blocks {
    /// The format of a file whose first line is this; `None` if it is not JSON at all.
    pub(super) fn of(first: &str) -> Option<Result<Blocks, Complaint>> {
        let first = first.trim_start_matches('\u{feff}');
        first.starts_with('{').then(|| {
            let line = parse(first)?;
            Ok(if line.chat_id.is_some() { Blocks::Bailian } else { Blocks::Mooncake })
        })
    }

    /// Tokens of a block.
    pub(super) fn tokens(self) -> u32 {
        match self {
            Blocks::Mooncake => 512,
            Blocks::Bailian => 16,
        }
    }

    /// Reads a row, and the names of its blocks into `hashes`.
    pub(super) fn read(self, text: &str, hashes: &mut Vec<u64>) -> Result<Record, Complaint> {
        let line = parse(text.trim_start_matches('\u{feff}'))?;
        let ps = match self {
            Blocks::Mooncake => line.timestamp * 1e9,
            Blocks::Bailian => line.timestamp * 1e12,
        };
        // Exact in an `f64` to a picosecond for the first hours, to a microsecond for 285 years.
        if !(0.0..9e21).contains(&ps) {
            return Err((format!("`timestamp` is {}: expected a time from 0 on", line.timestamp), None));
        }
        for (name, tokens) in [("input_length", line.input_length), ("output_length", line.output_length)] {
            if tokens == 0 {
                return Err((format!("`{name}` is 0: the row has no tokens"), None));
            }
        }
        let expected = line.input_length.div_ceil(self.tokens()) as usize;
        if line.hash_ids.len() != expected {
            let message = format!(
                "`hash_ids` has {} blocks: expected {expected}, since `input_length` is {} and a block has {} tokens",
                line.hash_ids.len(),
                line.input_length,
                self.tokens()
            );
            return Err((message, None));
        }
        hashes.clear();
        hashes.extend(line.hash_ids.iter().map(|id| id.cast_unsigned()));
        Ok(Record { at_ps: ps.round() as i128, prompt_tokens: line.input_length, output_tokens: line.output_length })
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
