"""The torch-free count, name by name, against the real models; the groups of language models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torch import nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DeepseekV3Config,
    DeepseekV3ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
)

from tests.trainer import small
from tests.trainer.small_language import KINDS, TEXTS, VOCABULARY, config, network
from trainer.catalog import Card
from trainer.config import ImageTextModel, LanguageModel, Stage
from trainer.models import language, tokenizers
from trainer.models.groups import groups_of, trainable_names
from trainer.models.language_sizes import DEFAULTS
from trainer.parameters import count
from trainer.parameters_language import vocabulary_size

STAGE = Stage.model_validate(small.stage())
Kind = pytest.mark.parametrize("kind", KINDS)
BASE, MIDDLE, TOP = "base", "middle", "top"


def sizes_of(built: nn.Module) -> dict[str, int]:
    return {name: parameter.numel() for name, parameter in built.named_parameters()}


def counted(model: LanguageModel) -> dict[str, int] | None:
    found = count(model, STAGE, {})
    return found.sizes if found else None


@Kind
def test_the_count_from_sizes_is_that_of_the_model(kind: str) -> None:
    fields: dict[str, Any] = {"width": 24, "num_heads": 3, "num_layers": 3, "mlp_width": 40, "vocabulary_size": VOCABULARY}
    assert counted(config(kind, **fields)) == sizes_of(network(kind, **fields))


# Every field has a value of its own, so that no two can be taken for one another.
SHARED = {"vocab_size": 330, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 4}
UNUSUAL = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SHARED, num_key_value_heads=2, head_dim=10, attention_bias=True, mlp_bias=True)),
    "mixtral": (MixtralForCausalLM, MixtralConfig(**SHARED, num_key_value_heads=2, head_dim=10, num_local_experts=5)),
    "deepseek_v3": (
        DeepseekV3ForCausalLM,
        DeepseekV3Config(
            **SHARED,
            num_key_value_heads=4,
            moe_intermediate_size=14,
            n_routed_experts=6,
            n_shared_experts=2,
            first_k_dense_replace=1,
            q_lora_rank=18,
            kv_lora_rank=22,
            qk_nope_head_dim=8,
            qk_rope_head_dim=4,
            v_head_dim=6,
            n_group=2,
            topk_group=1,
            num_experts_per_tok=2,
            attention_bias=True,
        ),
    ),
    "bert": (BertForMaskedLM, BertConfig(**SHARED, max_position_embeddings=20, type_vocab_size=3)),
}


@Kind
def test_the_count_of_a_folder_is_that_of_the_model_loaded_from_it(kind: str, tmp_path: Path) -> None:
    made, settings = UNUSUAL[kind]
    made(settings).save_pretrained(tmp_path)
    model = config(kind, pretrained=str(tmp_path))
    assert vocabulary_size(model) == 330
    assert counted(model) == sizes_of(language.build(model, 330))


@Kind
def test_what_a_folder_leaves_out_has_the_default_of_transformers(kind: str) -> None:
    settings = UNUSUAL[kind][0].config_class().to_dict()
    # A width of heads that is given by another field is worked out when the model is made.
    told = {name: value for name, value in DEFAULTS[kind].items() if value is not None}
    assert {name: settings[name] for name in told} == told


def test_what_lies_on_a_hub_is_not_counted(tmp_path: Path) -> None:
    assert counted(config("llama", pretrained="some/model")) is None
    assert counted(config("llama", tokenizer="some/tokenizer")) is None
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    assert counted(config("llama", pretrained=str(tmp_path))) is None


def test_the_vocabulary_is_that_of_the_tokenizers_folder(tmp_path: Path) -> None:
    tokenizer = tokenizers.train(TEXTS, 310)
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(tmp_path)
    assert vocabulary_size(config("llama", tokenizer=str(tmp_path))) == len(tokenizer) == 311
    assert vocabulary_size(config("llama", vocabulary_size=555)) == 555


@pytest.mark.parametrize("fusion", ["sum", "concatenation", "gated", "cross_attention"])
def test_the_count_of_image_and_text_knows_every_fusion(fusion: str) -> None:
    stage = Stage.model_validate(small.stage(small.task("sentiment"), small.task("masked_lm"), small.task("image_text_contrast")))
    built = small.network("sentiment", "masked_lm", "image_text_contrast", fusion=fusion)
    model = ImageTextModel.model_validate(small.MODEL | {"fusion": fusion})
    found = count(model, stage, {"pairs": CARD})
    assert found and found.sizes == sizes_of(built)


CARD = Card.model_validate(
    {
        "name": "pairs",
        "title": "Pairs",
        "columns": ["image", "text", "label"],
        "classes": ["down", "up"],
        "num_samples": {"train": 4},
        "size_bytes": 1,
        "fingerprint": "0",
    }
)


# --- groups --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["llama", "mixtral", "deepseek_v3"])
def test_a_decoders_lower_half_is_base_its_upper_half_middle_and_its_head_top(kind: str) -> None:
    found = groups_of(sizes_of(network(kind, num_layers=5)))
    assert found["model.embed_tokens.weight"] == BASE
    assert [found[f"model.layers.{number}.input_layernorm.weight"] for number in range(5)] == [BASE, BASE, MIDDLE, MIDDLE, MIDDLE]
    assert found["model.norm.weight"] == found["lm_head.weight"] == TOP
    assert {name for name, group in found.items() if group == TOP} == {"model.norm.weight", "lm_head.weight"}


def test_of_bert_embeddings_are_base_and_the_head_is_top() -> None:
    found = groups_of(sizes_of(network("bert")))
    assert {found[name] for name in found if name.startswith("bert.embeddings.")} == {BASE}
    assert {found[name] for name in found if name.startswith("bert.encoder.layer.1.")} == {MIDDLE}
    assert {name for name, group in found.items() if group == TOP} == {name for name in found if name.startswith("cls.")}


@Kind
def test_groups_and_patterns_choose_and_the_count_agrees(kind: str) -> None:
    built = network(kind)
    chosen = ("top", "*.layers.1.*" if kind != "bert" else "*.layer.1.*")
    names = trainable_names(sizes_of(built), chosen)
    found = count(config(kind, vocabulary_size=VOCABULARY), STAGE, {})
    assert found and found.trainable(chosen) == {
        group: sum(value for name, value in sizes_of(built).items() if name in names and groups_of(sizes_of(built))[name] == group)
        for group in (BASE, MIDDLE, TOP)
    }
    assert found.trainable(("nothing.*",)) is None
