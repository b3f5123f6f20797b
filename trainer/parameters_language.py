"""Counts the parameters of a language model from its config alone. Torch-free; tested against the real models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.config import LanguageModel
from trainer.loaded import config_of
from trainer.models.language_sizes import DEFAULTS, kind_of, sizes_of
from trainer.packaged import folder_of

Shapes = dict[str, int]
Sizes = Mapping[str, Any]


def language_model(model: LanguageModel) -> Shapes | None:
    """Returns the elements of every parameter; None where the sizes, or the vocabulary, lie on a hub that is not read from here.

    A tokenizer that is trained here counts with the vocabulary asked for; texts too few to fill it give a smaller one.
    """
    kind = kind_of(model)
    if model.pretrained:
        sizes = config_of(model.pretrained)
        return PARAMETERS[kind](DEFAULTS[kind] | sizes) if sizes and sizes.get("model_type") == kind else None
    vocabulary = vocabulary_size(model)
    return None if vocabulary is None else PARAMETERS[kind](DEFAULTS[kind] | sizes_of(model, vocabulary))


def vocabulary_size(model: LanguageModel) -> int | None:
    """Returns the number of tokens that the network knows; None where it lies on a hub that is not read from here."""
    if model.pretrained:
        sizes = config_of(model.pretrained)
        return None if sizes is None else int((DEFAULTS[kind_of(model)] | sizes)["vocab_size"])
    return tokens_of(model.tokenizer) if model.tokenizer else model.vocabulary_size


def tokens_of(name: str) -> int | None:
    """Counts the tokens of a local folder's `tokenizer.json`; added ones may stand in the vocabulary too."""
    try:
        found = json.loads((Path(folder_of(name)) / "tokenizer.json").read_text(encoding="utf-8"))
        vocabulary = found["model"]["vocab"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    inside = {token for token, _ in vocabulary} if isinstance(vocabulary, list) else set(vocabulary)
    return len(inside | {token["content"] for token in found.get("added_tokens", ())})


def linear(name: str, inputs: int, outputs: int, *, bias: bool = True) -> Shapes:
    return {f"{name}.weight": inputs * outputs} | ({f"{name}.bias": outputs} if bias else {})


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": width, f"{name}.bias": width}


# --- decoders ------------------------------------------------------------------------------------------------------------


def decoder(sizes: Sizes, blocks: Shapes) -> Shapes:
    """Embedding, blocks, final norm and head."""
    embedding = sizes["vocab_size"] * sizes["hidden_size"]
    return {"model.embed_tokens.weight": embedding} | blocks | {"model.norm.weight": sizes["hidden_size"], "lm_head.weight": embedding}


def norms(place: str, sizes: Sizes) -> Shapes:
    return {f"{place}.{name}.weight": sizes["hidden_size"] for name in ("input_layernorm", "post_attention_layernorm")}


def gated(place: str, width: int, inner: int, *, bias: bool = False) -> Shapes:
    """A feed-forward block with a gate."""
    up = linear(f"{place}.gate_proj", width, inner, bias=bias) | linear(f"{place}.up_proj", width, inner, bias=bias)
    return up | linear(f"{place}.down_proj", inner, width, bias=bias)


def experts(place: str, width: int, inner: int, number: int) -> Shapes:
    """A router and its experts, whose weights lie in two blocks of numbers."""
    gate = {f"{place}.gate.weight": number * width}
    return gate | {f"{place}.experts.gate_up_proj": 2 * number * inner * width, f"{place}.experts.down_proj": number * width * inner}


def attention(place: str, sizes: Sizes) -> Shapes:
    """Attention with grouped keys and values."""
    width, heads, bias = sizes["hidden_size"], sizes["num_attention_heads"], sizes.get("attention_bias", False)
    head = sizes["head_dim"] or width // heads
    keys = (sizes["num_key_value_heads"] or heads) * head
    found = linear(f"{place}.q_proj", width, heads * head, bias=bias) | linear(f"{place}.o_proj", heads * head, width, bias=bias)
    return found | linear(f"{place}.k_proj", width, keys, bias=bias) | linear(f"{place}.v_proj", width, keys, bias=bias)


def latent_attention(place: str, sizes: Sizes) -> Shapes:
    """Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434)."""
    width, heads, bias = sizes["hidden_size"], sizes["num_attention_heads"], sizes["attention_bias"]
    latent, rotated, asked = sizes["kv_lora_rank"], sizes["qk_rope_head_dim"], sizes["q_lora_rank"]
    queries = heads * (sizes["qk_nope_head_dim"] + rotated)
    if asked is None:
        found = linear(f"{place}.q_proj", width, queries, bias=False)
    else:
        found = linear(f"{place}.q_a_proj", width, asked, bias=bias) | linear(f"{place}.q_b_proj", asked, queries, bias=False)
        found |= {f"{place}.q_a_layernorm.weight": asked}
    found |= linear(f"{place}.kv_a_proj_with_mqa", width, latent + rotated, bias=bias) | {f"{place}.kv_a_layernorm.weight": latent}
    found |= linear(f"{place}.kv_b_proj", latent, heads * (sizes["qk_nope_head_dim"] + sizes["v_head_dim"]), bias=False)
    return found | linear(f"{place}.o_proj", heads * sizes["v_head_dim"], width, bias=bias)


def llama(sizes: Sizes) -> Shapes:
    """The parameters of transformers' LlamaForCausalLM."""
    found: Shapes = {}
    for number in range(sizes["num_hidden_layers"]):
        place = f"model.layers.{number}"
        found |= attention(f"{place}.self_attn", sizes) | norms(place, sizes)
        found |= gated(f"{place}.mlp", sizes["hidden_size"], sizes["intermediate_size"], bias=sizes["mlp_bias"])
    return decoder(sizes, found)


def mixtral(sizes: Sizes) -> Shapes:
    """The parameters of transformers' MixtralForCausalLM."""
    found: Shapes = {}
    for number in range(sizes["num_hidden_layers"]):
        place = f"model.layers.{number}"
        found |= attention(f"{place}.self_attn", sizes) | norms(place, sizes)
        found |= experts(f"{place}.mlp", sizes["hidden_size"], sizes["intermediate_size"], sizes["num_local_experts"])
    return decoder(sizes, found)


def deepseek(sizes: Sizes) -> Shapes:
    """The parameters of transformers' DeepseekV3ForCausalLM; the first blocks may have no experts."""
    found: Shapes = {}
    width, inner = sizes["hidden_size"], sizes["moe_intermediate_size"]
    for number in range(sizes["num_hidden_layers"]):
        place = f"model.layers.{number}"
        found |= latent_attention(f"{place}.self_attn", sizes) | norms(place, sizes)
        if number < sizes["first_k_dense_replace"]:
            found |= gated(f"{place}.mlp", width, sizes["intermediate_size"])
        else:
            found |= experts(f"{place}.mlp", width, inner, sizes["n_routed_experts"])
            found |= gated(f"{place}.mlp.shared_experts", width, inner * sizes["n_shared_experts"])
    return decoder(sizes, found)


# --- BERT ----------------------------------------------------------------------------------------------------------------


def bert(sizes: Sizes, root: str) -> Shapes:
    """The parameters of transformers' BertModel without pooler, under a name."""
    width, inner, place = sizes["hidden_size"], sizes["intermediate_size"], f"{root}.embeddings"
    found = {
        f"{place}.word_embeddings.weight": sizes["vocab_size"] * width,
        f"{place}.position_embeddings.weight": sizes.get("max_position_embeddings", 512) * width,
        f"{place}.token_type_embeddings.weight": sizes.get("type_vocab_size", 2) * width,
        **norm(f"{place}.LayerNorm", width),
    }
    for number in range(sizes["num_hidden_layers"]):
        place = f"{root}.encoder.layer.{number}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            found |= linear(f"{place}.attention.{name}", width, width)
        found |= linear(f"{place}.intermediate.dense", width, inner) | linear(f"{place}.output.dense", inner, width)
        found |= norm(f"{place}.attention.output.LayerNorm", width) | norm(f"{place}.output.LayerNorm", width)
    return found


def masked(sizes: Sizes) -> Shapes:
    """The parameters of transformers' BertForMaskedLM, whose head has a weight of its own."""
    width, place = sizes["hidden_size"], "cls.predictions"
    head = linear(f"{place}.transform.dense", width, width) | norm(f"{place}.transform.LayerNorm", width)
    return bert(sizes, "bert") | head | linear(f"{place}.decoder", width, sizes["vocab_size"])


PARAMETERS = {"llama": llama, "mixtral": mixtral, "deepseek_v3": deepseek, "bert": masked}
