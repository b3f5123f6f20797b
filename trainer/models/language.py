"""Language models of `transformers`: a Llama, a Mixtral, a DeepSeek-V3 or a BERT, built by sizes, loaded or rebuilt, fed with packed rows.

B rows, T tokens, H hidden width, N chosen positions, V vocabulary.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.models.bert.modeling_bert import BertForMaskedLM
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3ForCausalLM
from transformers.models.llama.modeling_llama import LlamaForCausalLM
from transformers.models.mixtral.modeling_mixtral import MixtralForCausalLM

from trainer.config import LanguageModel
from trainer.models.encoders import load
from trainer.models.language_sizes import kind_of, sizes_of

# Their classes leave out types that mypy would need.
CLASSES: dict[str, Any] = {
    "llama": LlamaForCausalLM,
    "mixtral": MixtralForCausalLM,
    "deepseek_v3": DeepseekV3ForCausalLM,
    "bert": BertForMaskedLM,
}
# Where a config was read from and by which version: a checkpoint is the same wherever it was made.
LEFT_OUT = ("_name_or_path", "transformers_version")


def build(config: LanguageModel, vocabulary_size: int, field: str = "model") -> PreTrainedModel:
    """Builds a network in float32 with fresh or pre-trained weights; the head never shares its weight with the embedding.

    Raises ValueError, naming the field, for weights that cannot be loaded, are of another kind, have fewer positions than
    `max_tokens` or a smaller vocabulary than the tokenizer, and for heads that cannot be rotated.
    """
    if config.pretrained:
        return pretrained(config, vocabulary_size, field)
    kind = kind_of(config)
    if kind != "bert" and (config.width // config.num_heads) % 2:
        raise ValueError(f"{field}.num_heads: the width of a head, {config.width // config.num_heads}, must be even")
    return made(kind, sizes_of(config, vocabulary_size))


def made(kind: str, settings: dict[str, Any]) -> PreTrainedModel:
    config = CLASSES[kind].config_class(**settings)
    return without_ties(CLASSES[kind]._from_config(config, attn_implementation="sdpa", dtype=torch.float32))


def pretrained(config: LanguageModel, vocabulary_size: int, field: str) -> PreTrainedModel:
    network = load(f"{field}.pretrained", config.pretrained, lambda place: weights_of(place, kind_of(config)))
    # Beyond a sliding window the mask of whole documents would be another model's.
    most = min(filter(None, (network.config.max_position_embeddings, getattr(network.config, "sliding_window", None))))
    if config.max_tokens > most:
        raise ValueError(f"{field}.max_tokens: {config.pretrained!r} reads {most} tokens at most")
    if vocabulary_size > network.config.vocab_size:
        raise ValueError(f"{field}.tokenizer: it has {vocabulary_size} tokens, {config.pretrained!r} knows {network.config.vocab_size}")
    return without_ties(network)


def weights_of(place: str, kind: str) -> PreTrainedModel:
    """Loads safetensors; refuses weights of another kind, or of which some are missing: they would start at random without a word."""
    found = AutoConfig.from_pretrained(place).model_type
    if found != kind:
        raise ValueError(f"it is a {found}, the model must be a {kind}")
    network, report = CLASSES[kind].from_pretrained(
        place, use_safetensors=True, dtype=torch.float32, attn_implementation="sdpa", output_loading_info=True
    )
    if missing := sorted(report["missing_keys"]):
        raise ValueError(f"its weights are of another kind of model: {missing[0]} is missing")
    loaded: PreTrainedModel = network
    return loaded


def without_ties(network: PreTrainedModel) -> PreTrainedModel:
    """Gives the head a weight of its own. A head that were the embedding could not be frozen or saved apart from it."""
    head = network.get_output_embeddings()
    head.weight = nn.Parameter(head.weight.detach().clone())
    if isinstance(network, BertForMaskedLM):
        # The second name of the head's bias: nothing reads it, so nothing would train it.
        head.bias = nn.Parameter(head.bias.detach().clone())
        network.cls.predictions.register_parameter("bias", None)
    network.config.tie_word_embeddings = False
    return network


# --- forward -------------------------------------------------------------------------------------------------------------


def hidden(network: PreTrainedModel, tokens_BT: Tensor, positions_BT: Tensor, *, is_packed: bool = True) -> Tensor:
    """Returns the last hidden states (B, T, H). Positions begin at 0 in each document, and attention stays inside the document.

    `is_packed` false promises that each row is one document: without a mask the quicker kernels of attention can be used.
    """
    mask = document_mask(positions_BT, is_causal=not isinstance(network, BertForMaskedLM)) if is_packed else None
    settings = {} if isinstance(network, BertForMaskedLM) else {"use_cache": False}
    found = network.base_model(input_ids=tokens_BT, position_ids=positions_BT, attention_mask=mask, **settings)
    states: Tensor = found.last_hidden_state
    return states


def document_mask(positions_BT: Tensor, *, is_causal: bool) -> Tensor:
    """Returns bool (B, 1, T, T): which token (third) may look at which (last).

    `transformers` finds packed rows by itself, but only for decoders, and it waits for the device to do so.
    """
    documents_BT = (positions_BT == 0).cumsum(1)
    allowed_BTT = documents_BT[:, :, None] == documents_BT[:, None, :]
    return (allowed_BTT.tril() if is_causal else allowed_BTT).unsqueeze(1)


def logits(network: PreTrainedModel, hidden_NH: Tensor) -> Tensor:
    """Returns logits (N, V) of chosen positions."""
    head = network.cls if isinstance(network, BertForMaskedLM) else network.get_output_embeddings()
    found: Tensor = head(hidden_NH)
    return found


def set_dropout(network: PreTrainedModel, rate: float) -> None:
    """Every dropout of the loaded modules takes the rate: BERT's in embeddings, blocks and attention; decoders have attention's alone."""
    module: Any
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
        elif hasattr(module, "attention_dropout"):
            module.attention_dropout = rate


# --- checkpoints and export ----------------------------------------------------------------------------------------------


def sizes(network: PreTrainedModel) -> dict[str, Any]:
    """Returns the document `network` that a checkpoint keeps: the kind and its config."""
    settings = {name: value for name, value in network.config.to_dict().items() if name not in LEFT_OUT}
    return {"kind": network.config.model_type, "config": settings}


def rebuild(folder: Path) -> PreTrainedModel:
    """Builds the network of a checkpoint by the sizes that its `network.json` records; its weights are not loaded."""
    document: dict[str, Any] = json.loads((folder / "network.json").read_text())
    return made(document["kind"], document["config"])


def save(network: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes a folder that `AutoModelForCausalLM` or `AutoModelForMaskedLM` and `AutoTokenizer` load, with the same logits."""
    for settings in (network.config, getattr(network, "generation_config", None)):
        for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
            if settings is not None:
                setattr(settings, name, getattr(tokenizer, name))
    weights = network.state_dict()
    if isinstance(network, BertForMaskedLM):
        weights["cls.predictions.bias"] = weights["cls.predictions.decoder.bias"].clone()
    network.save_pretrained(folder, state_dict=weights)
    tokenizer.save_pretrained(folder)
