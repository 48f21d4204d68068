//! Profile files: reading them, and writing them so that they read back as the same profiles.

use super::coefficients::Coefficients;
use super::profile::{Origin, Profile};
use flashcrowd_language::{Diagnostic, Document};
use serde::Deserialize;
use std::fmt::Write;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Profiles")]
struct File {
    profiles: Vec<Profile>,
}

pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Profile>, Diagnostic> {
    let document = Document::from_bytes(file, bytes)?;
    let File { profiles } = document.deserialize()?;
    for (index, profile) in profiles.iter().enumerate() {
        let at = |field: &str| format!("profiles.{index}.{field}");
        if profile.tensor_parallel == 0 {
            return Err(document.error_at(&at("tensor_parallel"), "a group has at least one GPU"));
        }
        if profile.lookahead_steps > 1 {
            return Err(document.error_at(&at("lookahead_steps"), "look-ahead is 0 or 1 steps"));
        }
        if profile.coefficients.values().iter().take(6).all(|value| *value == 0.0) {
            return Err(document.error_at(&at("coefficients"), "with these coefficients nothing takes time"));
        }
    }
    Ok(profiles)
}

/// The profile file of `profiles`.
pub fn write(profiles: &[Profile]) -> String {
    let mut text = String::from("(profiles: [\n");
    for profile in profiles {
        one(&mut text, profile);
    }
    text.push_str("])\n");
    text
}

fn one(text: &mut String, profile: &Profile) {
    let _ = writeln!(text, "    (");
    let _ = writeln!(text, "        name: {:?}, model: {:?}, gpu: {:?},", profile.name, profile.model, profile.gpu);
    let Profile { tensor_parallel, precision, lookahead_steps, .. } = profile;
    let _ = writeln!(text, "        tensor_parallel: {tensor_parallel}, precision: {precision:?},");
    let _ = writeln!(text, "        coefficients: ({}),", coefficients(&profile.coefficients));
    let _ = writeln!(text, "        lookahead_steps: {lookahead_steps},");
    origin(text, &profile.origin);
    if let Some(band) = &profile.validated {
        let (load, batch, context) = (band.load_share, band.batch, band.context_tokens);
        let _ = writeln!(text, "        validated: (load_share: {load}, batch: {batch}, context_tokens: {context}),");
    }
    if let Some(memory) = &profile.memory {
        let _ = writeln!(text, "        memory: (");
        let _ = writeln!(text, "            weights_bytes: {},", memory.weights_bytes);
        let _ = writeln!(text, "            kv_bytes_per_token: {},", memory.kv_bytes_per_token);
        let _ = writeln!(text, "            fixed_bytes: {},", memory.fixed_bytes);
        let _ = writeln!(text, "            bytes_per_batched_token: {},", memory.bytes_per_batched_token);
        let _ = writeln!(text, "            bytes_per_sequence: {},", memory.bytes_per_sequence);
        let _ = writeln!(text, "        ),");
    }
    let _ = writeln!(text, "        sources: {{");
    for (symbol, source) in &profile.sources {
        let _ = writeln!(text, "            {symbol:?}: {source:?},");
    }
    let _ = writeln!(text, "        }},\n    ),");
}

fn coefficients(law: &Coefficients) -> String {
    let Coefficients { overhead_ms, weights_ms, token_ms, sequence_ms, context_ms, attention_ms, front_end_ms } = law;
    format!(
        "\n            overhead_ms: {overhead_ms}, weights_ms: {weights_ms}, token_ms: {token_ms},\n            \
         sequence_ms: {sequence_ms}, context_ms: {context_ms}, attention_ms: {attention_ms},\n            \
         front_end_ms: {front_end_ms},\n        "
    )
}

fn origin(text: &mut String, origin: &Origin) {
    let fitted = match origin {
        Origin::Scaled { from, how } => {
            let _ = writeln!(text, "        origin: Scaled(from: {from:?}, how: {how:?}),");
            return;
        }
        Origin::Computed { how } => {
            let _ = writeln!(text, "        origin: Computed(how: {how:?}),");
            return;
        }
        Origin::Fitted(fitted) => fitted,
    };
    let _ = writeln!(text, "        origin: Fitted(");
    let _ = writeln!(text, "            data: {:?},\n            on: {:?},", fitted.data, fitted.on);
    let _ = writeln!(text, "            residuals: [");
    for row in &fitted.residuals {
        let ttft = row.ttft_percent.map_or_else(String::new, |percent| format!(", ttft_percent: {percent}"));
        let (band, rows, itl) = (&row.band, row.rows, row.itl_percent);
        let _ = writeln!(text, "                (band: {band:?}, rows: {rows}, itl_percent: {itl}{ttft}),");
    }
    let _ = writeln!(text, "            ],\n        ),");
}
