//! Models and GPUs as reference data write them.

use flashcrowd_language::nearest;
use flashcrowd_profiles::architecture::{KNOWN_MODELS, KnownModel};
use flashcrowd_profiles::{GPUS, Generation, Gpu, Interconnect, MODELS, Model, Named, Peaks, lookup};
use std::sync::LazyLock;

/// GPUs that were measured and that the catalogue, which is of servers, lacks.
static OTHERS: LazyLock<Vec<Gpu>> = LazyLock::new(|| {
    let gpu = |name: &str, generation, memory_gib, bandwidth_gb_s, bf16, gb_s, source: &str| Gpu {
        name: name.to_owned(),
        aliases: Vec::new(),
        memory_gib,
        cuda_bytes: None,
        generation,
        bandwidth_gb_s,
        tflops: Peaks { bf16, fp8: None, fp4: None },
        interconnect: Interconnect::Pcie { gb_s },
        source: source.to_owned(),
        usd_per_h: None,
        price_source: String::new(),
    };
    vec![
        // Its peak is twice this where products are summed in 16 bits; vLLM sums in 32.
        gpu("RTX 4090", Generation::Ada, 24, 1008.0, 165.2, 64.0, "NVIDIA Ada whitepaper, 32-bit sums"),
        gpu(
            "RTX PRO 6000",
            Generation::Blackwell,
            96,
            1792.0,
            503.8,
            128.0,
            "NVIDIA RTX PRO Blackwell whitepaper, 32-bit sums",
        ),
    ]
});

/// Words of a product's name that do not tell products apart.
const VENDOR_WORDS: [&str; 12] =
    ["nvidia", "amd", "instinct", "geforce", "tesla", "sxm", "sxm4", "sxm5", "hbm3", "blackwell", "edition", "gpu"];

/// Models that the catalogue lacks, and those of it that have their shape.
const SAME_SHAPE: [(&str, &str); 5] = [
    ("metallama38b", "Llama-3.1-8B"),
    ("metallama370b", "Llama-3.1-70B"),
    ("qwen27b", "Qwen2.5-7B"),
    ("qwen272b", "Qwen2.5-72B"),
    ("huggyllamallama7b", "Llama-2-7B"),
];

/// Number formats at the end of a model's name.
const FORMAT_WORDS: [&str; 5] = ["fp8", "fp4", "nvfp4", "mxfp4", "bf16"];

/// A model or a GPU that the catalogue lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue has no {kind} `{name}`{}", .near.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?")))]
pub(crate) struct UnknownName {
    /// What it would be.
    kind: &'static str,
    name: String,
    /// The name that was probably meant.
    near: Option<String>,
}

/// The catalogue's model of that name, however it is spelt: `llama2-70b`, `org/Llama-2-70B`.
///
/// # Errors
/// If no model has that name: the error holds the nearest one.
pub(super) fn model(name: &str) -> Result<&'static Model, UnknownName> {
    lookup(&MODELS, name).or_else(|_| {
        let wanted = squeezed(name.rsplit('/').next().unwrap_or(name));
        let found = MODELS.iter().find(|model| names(*model).any(|own| squeezed(own) == wanted));
        found.ok_or_else(|| unknown(&MODELS, name))
    })
}

/// The model of that name among those whose shape is known, however it is spelt; a number format at its end does not
/// tell it apart.
///
/// # Errors
/// If no model has that name: the error holds the nearest one.
pub(crate) fn known(name: &str) -> Result<&'static KnownModel, UnknownName> {
    KnownModel::find(name).or_else(|_| {
        let wanted = squeezed(last(name));
        let wanted = SAME_SHAPE.iter().find(|(name, _)| *name == wanted).map_or(wanted, |(_, same)| squeezed(same));
        let plain = FORMAT_WORDS.iter().find_map(|word| wanted.strip_suffix(word)).unwrap_or(&wanted);
        let find = |wanted: &str| KNOWN_MODELS.iter().find(|model| names(*model).any(|own| squeezed(own) == wanted));
        // Some owners write `Meta-Llama`.
        let short = plain.strip_prefix("meta").unwrap_or(plain);
        find(&wanted).or_else(|| find(plain)).or_else(|| find(short)).ok_or_else(|| unknown(&KNOWN_MODELS, name))
    })
}

/// The GPU of that name, of the catalogue or measured: `h100_sxm`, `NVIDIA GeForce RTX 4090`.
///
/// # Errors
/// Why there is none, with the nearest name.
pub(super) fn gpu(name: &str) -> Result<Gpu, UnknownName> {
    if let Ok(gpu) = lookup(&GPUS, name) {
        return Ok(gpu.clone());
    }
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase);
    let wanted: String = words.filter(|word| !VENDOR_WORDS.contains(&word.as_str())).collect();
    // Some tables write the MI300X without its X; there is no other MI300 that runs alone.
    let wanted = if wanted == "mi300" { "mi300x".to_owned() } else { wanted };
    let found = GPUS.iter().chain(OTHERS.iter()).find(|gpu| names(*gpu).any(|own| squeezed(own) == wanted));
    found.cloned().ok_or_else(|| unknown(&GPUS, name))
}

fn names<T: Named>(entry: &T) -> impl Iterator<Item = &str> {
    std::iter::once(entry.name()).chain(entry.aliases().iter().flat_map(|alias| [alias.as_str(), last(alias)]))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn squeezed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The message is repeated for each row, so it does not list the whole catalogue.
fn unknown<T: Named>(entries: &[T], name: &str) -> UnknownName {
    let near = nearest(last(name), entries.iter().map(Named::name)).map(str::to_owned);
    UnknownName { kind: T::KIND, name: name.to_owned(), near }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_spelt() {
        for (spelt, name) in [
            ("llama2-70b", "Llama-2-70B"),
            ("meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B"),
            ("Llama-3.1-405B-FP8", "Llama-3.1-405B"),
            ("Qwen3-32B", "Qwen3-32B"),
        ] {
            assert_eq!(model(spelt).unwrap().name, name);
        }
        for (spelt, name) in [
            ("h100_sxm", "H100"),
            ("h100-80gb", "H100"),
            ("a100_sxm", "A100-80GB"),
            ("NVIDIA GeForce RTX 4090", "RTX 4090"),
            ("AMD Instinct MI300X", "MI300X"),
            ("Mi300", "MI300X"),
        ] {
            assert_eq!(gpu(spelt).unwrap().name, name);
        }
        assert_eq!(
            model("Qwen/Qwen3-33B").unwrap_err().to_string(),
            "the catalogue has no model `Qwen/Qwen3-33B`; did you mean `Qwen3-32B`?"
        );
        assert!(gpu("H100 PCIe").is_err() && gpu("unknown x8").is_err() && gpu("").is_err());
    }
}
