//! What an engine adds to each iteration, whatever the model, and the rules that it has by default.

use flashcrowd_core::serving::Prefill;

/// An engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// vLLM (V1).
    #[default]
    Vllm,
    /// `SGLang`.
    Sglang,
    /// TensorRT-LLM.
    TrtLlm,
}

impl Engine {
    /// All engines.
    pub const ALL: [Engine; 3] = [Engine::Vllm, Engine::Sglang, Engine::TrtLlm];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Engine::Vllm => "vllm",
            Engine::Sglang => "sglang",
            Engine::TrtLlm => "trtllm",
        }
    }

    /// The engine of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Engine::ALL.into_iter().find(|engine| engine.name().eq_ignore_ascii_case(name))
    }

    /// How prompts and decodes share iterations: `SGLang` without `--enable-mixed-chunk` gives prompts iterations of
    /// their own.
    pub const fn prefill(self) -> Prefill {
        match self {
            Engine::Sglang => Prefill::Alone,
            Engine::Vllm | Engine::TrtLlm => Prefill::Mixed,
        }
    }

    /// Whether it computes a prompt in several iterations; TensorRT-LLM does not unless it is told to.
    pub const fn chunks_prompts(self) -> bool {
        !matches!(self, Engine::TrtLlm)
    }

    /// Scheduling and sampling of an iteration, ms. Least squares on closed-loop points.
    pub(super) const fn step_ms(self) -> f64 {
        match self {
            Engine::Vllm => 0.548,
            Engine::Sglang => 0.45,
            Engine::TrtLlm => 0.156,
        }
    }

    /// Launches of an iteration with prompts, which runs without a graph: of a layer, and of its experts more, ms.
    pub(super) const fn floor_ms(self) -> (f64, f64) {
        match self {
            Engine::Vllm => (0.08, 0.20),
            Engine::Sglang => (0.12, 0.25),
            Engine::TrtLlm => (0.138, 0.313),
        }
    }

    /// Front end of a request, ms: added to its time to first token.
    pub const fn front_end_ms(self) -> f64 {
        match self {
            Engine::Vllm => 7.5,
            Engine::Sglang => 60.0,
            Engine::TrtLlm => 40.0,
        }
    }
}
