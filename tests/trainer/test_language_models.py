"""The language models: built, fed with packed rows, regularised, recorded, exported and loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
)

from tests.trainer.small_language import KINDS, TEXTS, VOCABULARY, config, network, positions, tokens
from trainer.models import language, tokenizers
from trainer.models.experts import Routing

DECODERS = [kind for kind in KINDS if kind != "bert"]
LENGTHS = ((5, 1, 1, 6, 3), (16,))
Kind = pytest.mark.parametrize("kind", KINDS)


def answers(built: torch.nn.Module, tokens_BT: Tensor) -> Tensor:
    logits: Tensor = built(input_ids=tokens_BT).logits
    return logits


@Kind
def test_each_config_builds_its_kind_with_its_sizes(kind: str) -> None:
    built = network(kind)
    assert built.config.model_type == kind
    assert built.config.max_position_embeddings == 16
    assert built.get_input_embeddings().weight.shape == (VOCABULARY, 16)
    assert built.get_output_embeddings().weight.data_ptr() != built.get_input_embeddings().weight.data_ptr()


@Kind
def test_hidden_and_logits_are_those_of_transformers(kind: str) -> None:
    built, rows = network(kind), tokens(2, 16)
    hidden = language.hidden(built, rows, positions((16,), (16,)))
    torch.testing.assert_close(language.logits(built, hidden), answers(built, rows))


@Kind
def test_packed_documents_read_as_each_does_alone(kind: str) -> None:
    built, rows = network(kind), tokens(2, 16)
    packed = language.hidden(built, rows, positions(*LENGTHS))
    for row, lengths in enumerate(LENGTHS):
        start = 0
        for length in lengths:
            alone = language.hidden(built, rows[row : row + 1, start : start + length], positions((length,)), is_packed=False)
            torch.testing.assert_close(packed[row, start : start + length], alone[0], rtol=1e-4, atol=1e-5)
            start += length


@Kind
def test_a_document_that_is_no_end_would_read_otherwise(kind: str) -> None:
    """The comparison above could not fail if documents had no effect on each other anyway."""
    built, rows = network(kind), tokens(1, 16)
    apart, together = (language.hidden(built, rows, positions(lengths)) for lengths in ((8, 8), (16,)))
    assert (apart - together)[0, 8:].abs().max() > 0.01


@pytest.mark.parametrize("kind", DECODERS)
def test_the_mask_is_the_one_transformers_finds_by_itself(kind: str) -> None:
    built, rows = network(kind), tokens(2, 16)
    theirs = built.base_model(input_ids=rows, position_ids=positions(*LENGTHS), use_cache=False).last_hidden_state
    torch.testing.assert_close(language.hidden(built, rows, positions(*LENGTHS)), theirs)


@Kind
def test_dropout_changes_what_training_computes_and_evaluation_not(kind: str) -> None:
    built, rows = network(kind), tokens(2, 16)
    place = positions((16,), (16,))
    expected = language.hidden(built, rows, place)
    language.set_dropout(built, 0.0)
    torch.testing.assert_close(language.hidden(built.train(), rows, place), expected)
    language.set_dropout(built, 0.5)
    assert (language.hidden(built, rows, place) - expected).abs().max() > 0.01
    torch.testing.assert_close(language.hidden(built.eval(), rows, place), expected)


@pytest.mark.parametrize("kind", DECODERS)
def test_attentions_own_dropout_has_the_rate(kind: str) -> None:
    """At a rate near 1 every attention gives nothing, so with no feed-forward only the token itself is left."""
    built, rows = network(kind).train(), tokens(1, 16)
    language.set_dropout(built, 1.0)
    for name, parameter in built.named_parameters():
        if "down_proj" in name:
            torch.nn.init.zeros_(parameter)
    hidden = language.hidden(built, rows, positions((16,)))
    torch.testing.assert_close(hidden, built.model.norm(built.model.embed_tokens(rows)))


@Kind
def test_a_checkpoints_network_document_rebuilds_it(kind: str, tmp_path: Path) -> None:
    built, rows = network(kind), tokens(2, 16)
    (tmp_path / "network.json").write_text(json.dumps(language.sizes(built)))
    again = language.rebuild(tmp_path)
    again.load_state_dict(built.state_dict())
    assert torch.equal(answers(again.eval(), rows), answers(built, rows))
    assert json.dumps(language.sizes(again)) == json.dumps(language.sizes(built))


@Kind
def test_an_exported_folder_loads_in_transformers_with_the_same_logits(kind: str, tmp_path: Path) -> None:
    built, rows = network(kind), tokens(2, 16)
    tokenizer = tokenizers.train(TEXTS, 300)
    if kind == "mixtral":
        Routing(built, config(kind, capacity_factor=1.0))
    expected = answers(built, rows)
    language.save(built, tokenizer, tmp_path)
    loader = AutoModelForMaskedLM if kind == "bert" else AutoModelForCausalLM
    again, report = loader.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert torch.equal(answers(again, rows), expected)
    assert AutoTokenizer.from_pretrained(tmp_path).encode("the cat") == tokenizer.encode("the cat")
    assert (again.config.pad_token_id, again.config.eos_token_id) == (0, 1)


@Kind
def test_an_exported_folder_starts_a_run(kind: str, tmp_path: Path) -> None:
    built, rows = network(kind), tokens(2, 16)
    language.save(built, tokenizers.train(TEXTS, 300), tmp_path)
    again = language.build(config(kind, pretrained=str(tmp_path)), VOCABULARY)
    assert torch.equal(answers(again.eval(), rows), answers(built, rows))
    assert {name: value.dtype for name, value in again.named_parameters()} == dict.fromkeys(dict(again.named_parameters()), torch.float32)


def tied(kind: str) -> torch.nn.Module:
    sizes = {"vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    if kind == "bert":
        return BertForMaskedLM(BertConfig(**sizes)).eval()
    return LlamaForCausalLM(LlamaConfig(**sizes, tie_word_embeddings=True)).eval()


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_a_head_that_was_the_embedding_gets_a_weight_of_its_own(kind: str, tmp_path: Path) -> None:
    theirs, rows = tied(kind), tokens(2, 16)
    if kind == "bert":
        torch.nn.init.normal_(theirs.cls.predictions.bias)
    theirs.save_pretrained(tmp_path)
    ours = language.build(config(kind, pretrained=str(tmp_path)), VOCABULARY).eval()
    torch.testing.assert_close(answers(ours, rows), answers(theirs, rows))
    places = [value.data_ptr() for value in ours.state_dict().values()]
    assert len(set(places)) == len(places)
    answers(ours, rows).sum().backward()
    assert {name for name, value in ours.named_parameters() if value.grad is None} == set()


def test_what_cannot_be_loaded_is_named_by_its_field(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^model\.pretrained: cannot load"):
        language.build(config("llama", pretrained=str(tmp_path)), VOCABULARY)
    network("llama").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"^model\.pretrained: .* it is a llama, the model must be a bert"):
        language.build(config("bert", pretrained=str(tmp_path)), VOCABULARY)
    with pytest.raises(ValueError, match=r"^model\.max_tokens: .* reads 16 tokens at most"):
        language.build(config("llama", pretrained=str(tmp_path), max_tokens=17), VOCABULARY)
    with pytest.raises(ValueError, match=r"^model\.tokenizer: it has 321 tokens"):
        language.build(config("llama", pretrained=str(tmp_path)), VOCABULARY + 1)


def test_a_sliding_window_is_as_far_as_rows_may_go(tmp_path: Path) -> None:
    built = network("mixtral")
    built.config.sliding_window = 12
    built.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"^model\.max_tokens: .* reads 12 tokens at most"):
        language.build(config("mixtral", pretrained=str(tmp_path)), VOCABULARY)


def test_a_head_of_odd_width_is_refused_where_it_would_be_rotated() -> None:
    with pytest.raises(ValueError, match=r"^model\.num_heads: the width of a head, 3, must be even"):
        language.build(config("llama", width=18, num_heads=6), VOCABULARY)
    assert network("bert", width=18, num_heads=6).config.hidden_size == 18
