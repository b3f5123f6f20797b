"""The kind and the sizes of a language model, as `transformers` names them. Torch-free: the plan counts by them too."""

from __future__ import annotations

from typing import Any

from trainer.config import LanguageModel, MaskedLanguageModel, MixtureOfExpertsModel

# What a `config.json` leaves out where it is the default of the model's config class.
DEFAULTS: dict[str, dict[str, Any]] = {
    "llama": {
        "vocab_size": 32_000,
        "hidden_size": 4096,
        "intermediate_size": 11_008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "head_dim": None,
        "attention_bias": False,
        "mlp_bias": False,
    },
    "mixtral": {
        "vocab_size": 32_000,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": None,
        "num_local_experts": 8,
    },
    "deepseek_v3": {
        "vocab_size": 129_280,
        "hidden_size": 7168,
        "intermediate_size": 18_432,
        "moe_intermediate_size": 2048,
        "num_hidden_layers": 61,
        "num_attention_heads": 128,
        "n_routed_experts": 256,
        "n_shared_experts": 1,
        "first_k_dense_replace": 3,
        "q_lora_rank": 1536,
        "kv_lora_rank": 512,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
        "attention_bias": False,
    },
    "bert": {
        "vocab_size": 30_522,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
    },
}


def kind_of(config: LanguageModel) -> str:
    """Returns the `model_type` of `transformers`. Balance by a loss is Mixtral's way, by a bias DeepSeek's."""
    if isinstance(config, MixtureOfExpertsModel):
        return "mixtral" if config.balance == "loss" else "deepseek_v3"
    return "bert" if isinstance(config, MaskedLanguageModel) else "llama"


def sizes_of(config: LanguageModel, vocabulary_size: int) -> dict[str, Any]:
    """Returns the settings of the model's config class. No token has a role in the network itself, so none is named."""
    shared = {
        "vocab_size": vocabulary_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "intermediate_size": config.mlp_width,
        "max_position_embeddings": config.max_tokens,
        "tie_word_embeddings": False,
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    if isinstance(config, MixtureOfExpertsModel):
        return shared | (mixtral if config.balance == "loss" else deepseek)(config)
    return shared


def mixtral(config: MixtureOfExpertsModel) -> dict[str, Any]:
    return {
        "num_key_value_heads": config.num_heads,
        "num_local_experts": config.num_experts,
        "num_experts_per_tok": config.experts_per_token,
    }


def deepseek(config: MixtureOfExpertsModel) -> dict[str, Any]:
    """One group of routed experts in every block, and one shared expert. Attention's sizes follow a head's width d as in
    DeepSeek-V2 (arXiv 2405.04434, 3.1.2): a latent of 4 d for keys and values, d / 2 for the rotated part."""
    head = config.width // config.num_heads
    return {
        "num_key_value_heads": config.num_heads,
        "n_routed_experts": config.num_experts,
        "num_experts_per_tok": config.experts_per_token,
        "moe_intermediate_size": config.mlp_width,
        "n_shared_experts": 1,
        "n_group": 1,
        "topk_group": 1,
        "first_k_dense_replace": 0,
        "num_nextn_predict_layers": 0,
        "routed_scaling_factor": 1.0,
        "q_lora_rank": None,
        "kv_lora_rank": 4 * head,
        "qk_nope_head_dim": head,
        "qk_rope_head_dim": 2 * max(1, head // 4),
        "v_head_dim": head,
    }
