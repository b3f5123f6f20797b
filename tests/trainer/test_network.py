"""What trains and what is frozen, the dropout, and what the classifier sees."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.trainer import small
from trainer.models.freezing import set_trainable
from trainer.models.groups import groups_of
from trainer.models.network import Network, set_dropout, set_training

GROUPS = {
    "text.embeddings.word_embeddings.weight": "base",
    "text.encoder.layer.0.attention.self.query.weight": "base",
    "text.encoder.layer.1.attention.self.query.weight": "middle",
    "image.embedder.embedder.convolution.weight": "base",
    "image.encoder.stages.0.layers.0.layer.0.convolution.weight": "base",
    "image.encoder.stages.1.layers.0.layer.0.convolution.weight": "middle",
    "image_projection.weight": "top",
    "text_projection.bias": "top",
    "heads.sentiment.weight": "top",
    "fusion.attention.in_proj_weight": "top",
    "heads.image_text_contrast.logit_scale": "top",
}


def groups(network: Network) -> dict[str, str]:
    """Of parameters and statistics alike."""
    return groups_of(network.state_dict())


def trained(network: Network) -> set[str]:
    return {name for name, parameter in network.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("name", GROUPS)
def test_a_parameter_belongs_to_its_group(name: str) -> None:
    network = small.network("sentiment", "image_text_contrast", fusion="cross_attention")
    assert groups(network)[name] == GROUPS[name]


def test_the_groups_divide_the_network() -> None:
    network = small.network("sentiment", "masked_lm", "image_classification")
    names = {name: groups(network)[name] for name, _ in network.named_parameters()}
    found = {}
    for group in ("base", "middle", "top"):
        set_trainable(network, (group,))
        found[group] = trained(network)
        assert found[group] == {name for name in names if names[name] == group}
    assert sum(map(len, found.values())) == len(names)
    set_trainable(network, ("base", "middle", "top"))
    assert trained(network) == set(names)


def test_an_odd_number_of_blocks_gives_the_middle_one_to_the_middle() -> None:
    assert list(groups_of([f"text.encoder.layer.{number}.output.dense.weight" for number in range(3)]).values()) == [
        "base",
        "middle",
        "middle",
    ]


def test_patterns_and_groups_add_up() -> None:
    network = small.network("sentiment")
    set_trainable(network, ("text.encoder.layer.1.*", "heads.*"))
    assert trained(network) == {
        name for name, _ in network.named_parameters() if name.startswith(("text.encoder.layer.1.", "heads.sentiment."))
    }


def test_a_pattern_that_selects_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"trainable: 'text\.encoder\.layer\.9\.\*' matches no parameter"):
        set_trainable(small.network(), ("top", "text.encoder.layer.9.*"))


def test_what_is_frozen_keeps_its_bits_in_a_step() -> None:
    network, batch = small.network("sentiment"), small.batch()
    set_trainable(network, ("middle", "top"))
    set_training(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer = torch.optim.SGD([parameter for parameter in network.parameters() if parameter.requires_grad], lr=1.0)
    network(batch.pictures, batch.tokens, batch.mask).square().sum().backward()
    optimizer.step()
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {groups(network)[name] for name in changed} == {"middle", "top"}
    assert "text.encoder.layer.1.output.dense.weight" in changed


def norms(network: Network, part: str) -> list[nn.BatchNorm2d]:
    return [module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d) and name.startswith(part)]


def test_a_frozen_batch_norm_keeps_its_statistics() -> None:
    network, batch = small.network("sentiment"), small.batch()
    set_trainable(network, ("image.encoder.stages.1.*", "top"))
    set_training(network)
    network(batch.pictures, batch.tokens, batch.mask)
    for module in (*norms(network, "image.embedder"), *norms(network, "image.encoder.stages.0")):
        assert not module.running_mean.any()
        assert int(module.num_batches_tracked) == 0
    assert all(module.running_mean.any() for module in norms(network, "image.encoder.stages.1"))


def test_dropout_reaches_every_dropout_of_the_loaded_modules() -> None:
    network = small.network("sentiment", "masked_lm", fusion="cross_attention")
    set_dropout(network, 0.35)
    rates = {name: module.p for name, module in network.named_modules() if isinstance(module, nn.Dropout)}
    assert any("attention.self" in name for name in rates)
    assert set(rates.values()) == {0.35}
    assert [module.dropout for module in network.modules() if isinstance(module, nn.MultiheadAttention)] == [0.35]


def test_without_dropout_training_mode_is_repeatable() -> None:
    network, batch = small.network("sentiment").train(), small.batch()
    set_dropout(network, 0.0)
    assert torch.equal(*(network.hidden_states(batch.tokens, batch.mask) for _ in range(2)))


def test_the_attention_itself_drops() -> None:
    network, batch = small.network().train(), small.batch()
    set_dropout(network, 0.5)
    for name, module in network.named_modules():
        if isinstance(module, nn.Dropout) and "attention.self" not in name:
            module.p = 0.0
    assert not torch.equal(*(network.hidden_states(batch.tokens, batch.mask) for _ in range(2)))


@pytest.mark.parametrize(
    ("fusion", "inputs", "width"),
    [
        ("sum", "image_and_text", 8),
        ("concatenation", "image_and_text", 16),
        ("concatenation", "image", 8),
        ("sum", "text", 8),
        ("gated", "image_and_text", 8),
        ("cross_attention", "image_and_text", 8),
        ("cross_attention", "text", 8),
    ],
)
def test_the_fused_features_are_as_wide_as_the_fusion_says(fusion: str, inputs: str, width: int) -> None:
    network, batch = small.network("sentiment", fusion=fusion, inputs=inputs), small.batch()
    assert network.fused(batch.pictures, batch.tokens, batch.mask).shape == (4, width)
    assert network(batch.pictures, batch.tokens, batch.mask).shape == (4, 2)


@pytest.mark.parametrize("inputs", ["image", "text", "image_and_text"])
def test_the_classifier_sees_its_inputs_and_nothing_else(inputs: str) -> None:
    network, batch, other = small.network("sentiment", inputs=inputs), small.batch(), small.batch(seed=1)
    logits = network(batch.pictures, batch.tokens, batch.mask)
    other_picture = network(other.pictures, batch.tokens, batch.mask)
    other_sentence = network(batch.pictures, other.tokens, batch.mask)
    assert torch.equal(logits, other_picture) == (inputs == "text")
    assert torch.equal(logits, other_sentence) == (inputs == "image")


def test_padding_changes_nothing() -> None:
    network, batch = small.network("sentiment"), small.batch()
    scribbled = batch.tokens + (1 - batch.mask) * 777
    assert torch.allclose(network.text_features(batch.tokens, batch.mask), network.text_features(scribbled, batch.mask), atol=1e-6)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, same, other = (small.network("sentiment", seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["heads.sentiment.weight"], other["heads.sentiment.weight"])
