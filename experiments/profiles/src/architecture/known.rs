//! Models whose `config.json` is part of the program.

use super::{Architecture, ConfigError, read};
use crate::catalog::{Named, ProfileError, embedded, lookup};
use serde::Deserialize;
use std::sync::LazyLock;

/// A model of `profiles/configs.ron`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownModel {
    /// Name in scenarios and on the command line.
    pub name: String,
    /// Paths on Hugging Face of repositories with the same shape and number format.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The file in `profiles/configs`.
    pub file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Catalog")]
struct File {
    models: Vec<KnownModel>,
}

/// All of them.
pub static KNOWN_MODELS: LazyLock<Vec<KnownModel>> =
    LazyLock::new(|| embedded::<File>("configs.ron", include_str!("../../../../profiles/configs.ron")).models);

impl Named for KnownModel {
    const KIND: &'static str = "model";

    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }
}

impl KnownModel {
    /// The model of that name or alias.
    ///
    /// ```
    /// use flashcrowd_profiles::architecture::KnownModel;
    /// let model = KnownModel::find("deepseek-ai/DeepSeek-V3")?;
    /// assert_eq!(model.architecture().params(), 671_026_419_200);
    /// # Ok::<(), flashcrowd_profiles::ProfileError>(())
    /// ```
    ///
    /// # Errors
    /// If there is none, with the nearest.
    pub fn find(name: &str) -> Result<&'static KnownModel, ProfileError> {
        lookup(&KNOWN_MODELS, name)
    }

    /// The text of its `config.json`: the fields that say its shape.
    pub fn config(&self) -> &'static str {
        FILES.iter().find(|(file, _)| *file == self.file).map_or("", |(_, text)| text)
    }

    /// Its shape.
    pub fn architecture(&self) -> Architecture {
        // A mistake in a file that is part of the program is a bug, which the tests find.
        self.read().unwrap_or_else(|error| panic!("{}: {error}", self.file))
    }

    /// # Errors
    /// What is refused of its file.
    pub(super) fn read(&self) -> Result<Architecture, ConfigError> {
        read(self.config(), None)
    }
}

macro_rules! configs {
    ($($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../../../../profiles/configs/", $file)))),+]
    };
}

/// Files and their texts.
const FILES: &[(&str, &str)] = configs![
    "01-ai--Yi-34B.json",
    "allenai--OLMo-2-0325-32B.json",
    "allenai--OLMo-2-1124-13B.json",
    "allenai--OLMo-2-1124-7B.json",
    "baidu--ERNIE-4.5-21B-A3B-PT.json",
    "ByteDance-Seed--Seed-OSS-36B-Instruct.json",
    "codellama--CodeLlama-34b-Instruct-hf.json",
    "codellama--CodeLlama-7b-hf.json",
    "CohereForAI--c4ai-command-r-v01.json",
    "deepseek-ai--DeepSeek-R1-Distill-Qwen-32B.json",
    "deepseek-ai--DeepSeek-R1.json",
    "deepseek-ai--DeepSeek-V2-Lite.json",
    "deepseek-ai--DeepSeek-V3.1.json",
    "deepseek-ai--DeepSeek-V3.2.json",
    "deepseek-ai--DeepSeek-V3.json",
    "google--gemma-2-27b-it.json",
    "google--gemma-2-2b-it.json",
    "google--gemma-2-9b-it.json",
    "google--gemma-3-12b-it.json",
    "google--gemma-3-1b-it.json",
    "google--gemma-3-27b-it.json",
    "google--gemma-3-4b-it.json",
    "google--gemma-7b.json",
    "HuggingFaceTB--SmolLM2-1.7B-Instruct.json",
    "HuggingFaceTB--SmolLM3-3B.json",
    "ibm-granite--granite-3.1-8b-instruct.json",
    "ibm-granite--granite-3.3-8b-instruct.json",
    "ibm-granite--granite-4.0-h-small.json",
    "ibm-granite--granite-4.0-h-tiny.json",
    "LGAI-EXAONE--EXAONE-4.0-32B.json",
    "meta-llama--Llama-2-13b-hf.json",
    "meta-llama--Llama-2-70b-hf.json",
    "meta-llama--Llama-2-7b-hf.json",
    "meta-llama--Llama-3.2-1B.json",
    "meta-llama--Llama-3.2-3B.json",
    "meta-llama--Llama-3.3-70B-Instruct.json",
    "meta-llama--Llama-4-Maverick-17B-128E-Instruct.json",
    "meta-llama--Llama-4-Scout-17B-16E-Instruct.json",
    "meta-llama--Meta-Llama-3.1-405B.json",
    "meta-llama--Meta-Llama-3.1-70B.json",
    "meta-llama--Meta-Llama-3.1-8B.json",
    "microsoft--phi-2.json",
    "microsoft--Phi-3-mini-4k-instruct.json",
    "microsoft--Phi-3.5-mini-instruct.json",
    "microsoft--Phi-4-mini-instruct.json",
    "microsoft--phi-4.json",
    "MiniMaxAI--MiniMax-M2.5.json",
    "mistralai--Devstral-2-123B-Instruct-2512.json",
    "mistralai--Devstral-Small-2-24B-Instruct-2512.json",
    "mistralai--Ministral-8B-Instruct-2410.json",
    "mistralai--Mistral-7B-Instruct-v0.3.json",
    "mistralai--Mistral-7B-v0.1.json",
    "mistralai--Mistral-Large-Instruct-2407.json",
    "mistralai--Mistral-Nemo-Instruct-2407.json",
    "mistralai--Mistral-Small-3.1-24B-Instruct-2503.json",
    "mistralai--Mistral-Small-Instruct-2409.json",
    "mistralai--Mixtral-8x22B-v0.1.json",
    "mistralai--Mixtral-8x7B-v0.1.json",
    "moonshotai--Kimi-K2-Instruct.json",
    "moonshotai--Kimi-K2.5.json",
    "moonshotai--Kimi-VL-A3B-Instruct.json",
    "moonshotai--Moonlight-16B-A3B-Instruct.json",
    "nvidia--DeepSeek-V3-0324-NVFP4.json",
    "nvidia--DeepSeek-V3.2-NVFP4.json",
    "nvidia--GLM-5-NVFP4.json",
    "nvidia--Kimi-K2.5-NVFP4.json",
    "nvidia--Llama-3.1-70B-Instruct-FP8.json",
    "nvidia--MiniMax-M2.5-NVFP4.json",
    "nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16.json",
    "nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4.json",
    "nvidia--NVIDIA-Nemotron-3-Super-120B-A12B-FP8.json",
    "nvidia--NVIDIA-Nemotron-3-Super-120B-A12B-NVFP4.json",
    "nvidia--NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16.json",
    "nvidia--NVIDIA-Nemotron-3-Ultra-550B-A55B-FP8.json",
    "nvidia--NVIDIA-Nemotron-3-Ultra-550B-A55B-NVFP4.json",
    "nvidia--Qwen3-235B-A22B-NVFP4.json",
    "nvidia--Qwen3-30B-A3B-NVFP4.json",
    "nvidia--Qwen3.5-122B-A10B-NVFP4.json",
    "nvidia--Qwen3.5-397B-A17B-NVFP4.json",
    "openai--gpt-oss-120b.json",
    "openai--gpt-oss-20b.json",
    "Qwen--Qwen2.5-0.5B.json",
    "Qwen--Qwen2.5-1.5B.json",
    "Qwen--Qwen2.5-14B.json",
    "Qwen--Qwen2.5-32B.json",
    "Qwen--Qwen2.5-3B-Instruct.json",
    "Qwen--Qwen2.5-72B-Instruct-AWQ.json",
    "Qwen--Qwen2.5-72B-Instruct.json",
    "Qwen--Qwen2.5-7B-Instruct.json",
    "Qwen--Qwen2.5-VL-72B-Instruct.json",
    "Qwen--Qwen2.5-VL-7B-Instruct.json",
    "Qwen--Qwen3-0.6B.json",
    "Qwen--Qwen3-1.7B.json",
    "Qwen--Qwen3-14B.json",
    "Qwen--Qwen3-235B-A22B-FP8.json",
    "Qwen--Qwen3-235B-A22B.json",
    "Qwen--Qwen3-30B-A3B-FP8.json",
    "Qwen--Qwen3-30B-A3B.json",
    "Qwen--Qwen3-32B-FP8.json",
    "Qwen--Qwen3-32B.json",
    "Qwen--Qwen3-4B.json",
    "Qwen--Qwen3-8B.json",
    "Qwen--Qwen3-Coder-480B-A35B-Instruct.json",
    "Qwen--Qwen3-Next-80B-A3B-Thinking.json",
    "Qwen--Qwen3-VL-235B-A22B-Instruct.json",
    "Qwen--Qwen3.5-122B-A10B.json",
    "Qwen--Qwen3.5-27B.json",
    "Qwen--Qwen3.5-35B-A3B.json",
    "Qwen--Qwen3.5-397B-A17B.json",
    "Qwen--Qwen3.5-9B.json",
    "Qwen--QwQ-32B.json",
    "RedHatAI--Llama-4-Scout-17B-16E-Instruct-FP8-dynamic.json",
    "THUDM--glm-4-9b-chat-hf.json",
    "XiaomiMiMo--MiMo-V2-Flash.json",
    "zai-org--GLM-4.5-Air.json",
    "zai-org--GLM-4.5.json",
    "zai-org--GLM-4.7-Flash.json",
    "zai-org--GLM-5-FP8.json",
    "zai-org--GLM-5.1.json",
    "zai-org--GLM-5.2.json",
    "zai-org--GLM-5.json",
];
