//! Recorded requests, plain or gzip, as a stream: memory does not grow with the file. Time is
//! counted in integers from the first row that is kept. Files whose columns the scenario names are
//! read by [`own`], and held. Of the others the format is told by the first line:
//!
//! | format | rows |
//! | --- | --- |
//! | Azure LLM inference traces, 2023 to 2025 | CSV by the names of its header: `TIMESTAMP`, `ContextTokens`, `GeneratedTokens` (`NumImages` is passed over) |
//! | Mooncake | JSON lines: `timestamp` in ms, `input_length`, `output_length`, `hash_ids` of 512 tokens |
//! | Qwen-Bailian | the same with `chat_id`: `timestamp` in s, `hash_ids` of 16 tokens |

mod azure;
mod blocks;
mod format;
mod lines;
mod options;
pub mod own;
mod recording;
mod refuse;
mod replay;
mod resample;
mod rows;
mod scale;
mod summary;
mod timestamp;

#[cfg(test)]
mod tests;

pub use format::{Complaint, TraceFormat};
pub use lines::MAX_LINE_BYTES;
pub use options::{MAX_RATE_SCALE, OnBadRow, TraceOptions};
pub use recording::Recording;
pub use replay::TraceSource;
pub use resample::BlockIndex;
pub use rows::{FORMATS, format};
pub use summary::{TraceSummary, summary};
