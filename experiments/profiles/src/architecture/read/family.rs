//! What only the `model_type` tells: norms, biases, and which defaults hold where a field is missing.

use super::super::error::Doubt;

/// What a family of models has beside what its fields say.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Family {
    /// Vectors as wide as the residual stream that the norms of a layer take.
    pub(super) norms: u64,
    /// Norms over each head of queries and keys.
    pub(super) has_head_norms: bool,
    /// Biases of queries, keys and values, whatever `attention_bias` says.
    pub(super) has_bias: bool,
    /// Biases of all matrices.
    pub(super) is_biased: bool,
    /// Matrices of an MLP.
    pub(super) matrices: u64,
    /// Whether embeddings are tied where the file says nothing.
    pub(super) is_tied: bool,
    /// Whether its router has a learnt number for each expert.
    pub(super) has_correction: bool,
    /// Whether it was compared with a published size.
    pub(super) is_known: bool,
    pub(super) doubt: Option<Doubt>,
}

const PLAIN: Family = Family {
    norms: 2,
    has_head_norms: false,
    has_bias: false,
    is_biased: false,
    matrices: 3,
    is_tied: false,
    has_correction: false,
    is_known: true,
    doubt: None,
};

/// Types that end in `_text` are those of wrappers.
pub(super) fn of(kind: &str) -> Family {
    let plain = PLAIN;
    match kind.strip_suffix("_text").unwrap_or(kind) {
        "llama" | "mistral" | "mistral3" | "ministral" | "ministral3" | "mixtral" | "granite" | "granitemoe"
        | "phi3" | "llama4" | "deepseek_v2" | "olmo" | "olmo2" | "smollm3" | "seed_oss" | "internlm3"
        | "glm_moe_dsa" | "glm4_moe" | "glm4_moe_lite" | "ernie4_5" | "ernie4_5_moe" | "exaone4" => plain,
        "qwen2" | "qwen2_moe" | "qwen2_vl" | "qwen2_5_vl" => Family { has_bias: true, ..plain },
        "qwen3" | "qwen3_moe" | "qwen3_next" | "qwen3_5" | "qwen3_5_moe" | "qwen3_vl" | "qwen3_vl_moe" => {
            Family { has_head_norms: true, ..plain }
        }
        "deepseek_v3" | "deepseek_v32" | "kimi_k2" | "kimi_vl" | "kimi_k25" | "minimax_m2" => {
            Family { has_correction: true, ..plain }
        }
        "glm4" => Family { norms: 4, ..plain },
        "gpt_oss" => Family { is_biased: true, has_bias: true, ..plain },
        "gemma" | "granitemoehybrid" => Family { is_tied: true, ..plain },
        "gemma2" => Family { norms: 4, is_tied: true, ..plain },
        "gemma3" => Family { norms: 4, has_head_norms: true, is_tied: true, ..plain },
        "phi" => Family { is_biased: true, has_bias: true, matrices: 2, ..plain },
        "starcoder2" => Family { norms: 4, is_biased: true, has_bias: true, matrices: 2, ..plain },
        "gpt_bigcode" | "gpt2" => {
            Family { norms: 4, is_biased: true, has_bias: true, matrices: 2, is_tied: true, ..plain }
        }
        "cohere" => Family { norms: 1, is_tied: true, ..plain },
        "falcon" => Family { matrices: 2, is_tied: true, ..plain },
        "nemotron" => Family { norms: 4, matrices: 2, ..plain },
        "nemotron_h" => Family { norms: 1, matrices: 2, ..plain },
        "mimo_v2_flash" => Family { doubt: Some(Doubt::UnverifiedAttention), ..plain },
        _ => Family { is_known: false, ..plain },
    }
}

/// Fields that say how layers are made: a type that was never seen may have none but these.
pub(super) const KNOWN: &[&str] = &[
    "attention_bias",
    "attention_chunk_size",
    "attention_dropout",
    "attn_output_gate",
    "attn_type_list",
    "decoder_sparse_step",
    "dense_intermediate_size",
    "experts_per_token",
    "first_k_dense_replace",
    "full_attention_interval",
    "head_dim",
    "hidden_act",
    "hidden_activation",
    "hidden_dropout",
    "hidden_size",
    "hybrid_layer_pattern",
    "hybrid_override_pattern",
    "index_head_dim",
    "index_n_heads",
    "index_topk",
    "indexer_types",
    "initializer_range",
    "interleave_moe_layer_step",
    "intermediate_size",
    "intermediate_size_mlp",
    "kv_lora_rank",
    "layer_types",
    "layer_norm_eps",
    "layer_norm_epsilon",
    "linear_conv_kernel_dim",
    "linear_key_head_dim",
    "linear_num_key_heads",
    "linear_num_value_heads",
    "linear_value_head_dim",
    "mamba_d_conv",
    "mamba_d_head",
    "mamba_d_state",
    "mamba_expand",
    "mamba_head_dim",
    "mamba_n_groups",
    "mamba_n_heads",
    "mamba_num_heads",
    "mamba_ssm_dtype",
    "max_position_embeddings",
    "max_window_layers",
    "mlp_bias",
    "mlp_layer_types",
    "mlp_only_layers",
    "model_type",
    "moe_intermediate_size",
    "moe_latent_size",
    "moe_layer_freq",
    "moe_shared_expert_intermediate_size",
    "moe_router_topk",
    "mtp_num_hidden_layers",
    "multi_query",
    "n_embd",
    "n_group",
    "n_head",
    "n_layer",
    "n_positions",
    "n_routed_experts",
    "n_shared_experts",
    "no_rope_layers",
    "norm_eps",
    "norm_topk_prob",
    "num_attention_heads",
    "num_experts",
    "num_experts_per_tok",
    "num_experts_per_token",
    "num_hidden_layers",
    "num_key_value_heads",
    "num_local_experts",
    "num_mtp_modules",
    "num_nextn_predict_layers",
    "partial_rotary_factor",
    "q_lora_rank",
    "qk_head_dim",
    "qk_norm_type",
    "qk_nope_head_dim",
    "qk_rope_head_dim",
    "qkv_bias",
    "query_pre_attn_scalar",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "rotary_dim",
    "routed_expert_hidden_size",
    "routed_scaling_factor",
    "router_aux_loss_coef",
    "scoring_func",
    "shared_expert_intermediate_size",
    "shared_intermediate_size",
    "sliding_window",
    "sliding_window_pattern",
    "ssm_state_size",
    "tie_word_embeddings",
    "topk_group",
    "topk_method",
    "top_k_experts",
    "use_bias",
    "use_cache",
    "use_qk_norm",
    "use_sliding_window",
    "v_head_dim",
    "vocab_size",
    "n_groups",
    "conv_kernel",
    "final_logit_softcapping",
    "attn_logit_softcapping",
    "num_logits_to_keep",
];

/// Fields that say nothing of a layer's shape.
pub(super) fn is_plain(name: &str) -> bool {
    const STARTS: [&str; 8] = ["_", "eos_", "bos_", "pad_", "image_", "video_", "audio_", "vision_"];
    const ENDS: [&str; 9] =
        ["_token_id", "_token_ids", "_token_index", "dtype", "_version", "_dropout", "_pdrop", "_loss_coef", "_eps"];
    const NAMES: [&str; 14] = [
        "architectures",
        "attention_multiplier",
        "auto_map",
        "embedding_multiplier",
        "is_decoder",
        "logit_scale",
        "logits_scaling",
        "output_attentions",
        "output_hidden_states",
        "pretraining_tp",
        "quantization_config",
        "residual_multiplier",
        "return_dict",
        "transformers_version",
    ];
    NAMES.contains(&name)
        || STARTS.iter().any(|start| name.starts_with(start))
        || ENDS.iter().any(|end| name.ends_with(end))
}
