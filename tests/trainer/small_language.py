"""Language models of a few thousand parameters, one of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.config import FAMILIES, LanguageModel

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

SIZES: dict[str, Any] = {"width": 16, "num_layers": 2, "num_heads": 2, "mlp_width": 24, "max_tokens": 16}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {"family": "causal_lm"},
    "mixtral": {"family": "moe_lm", "num_experts": 4},
    "deepseek_v3": {"family": "moe_lm", "num_experts": 4, "balance": "bias"},
    "bert": {"family": "masked_lm"},
}
VOCABULARY = 320
TEXTS = [f"The {animal} number {number} sat on the mat.\n" for number in range(40) for animal in ("cat", "dog", "heron")]


def config(kind: str, **changed: Any) -> LanguageModel:
    fields = SIZES | KINDS[kind] | changed
    found = FAMILIES[fields["family"]].model_validate(fields)
    assert isinstance(found, LanguageModel)
    return found


def network(kind: str, seed: int = 0, **changed: Any) -> PreTrainedModel:
    """Builds the network in evaluation mode, with weights large enough that attention and routing tell tokens apart."""
    import torch

    from trainer.models import language

    torch.manual_seed(seed)
    built = language.build(config(kind, **changed), VOCABULARY).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    return built


def tokens(*shape: int, seed: int = 0) -> Tensor:
    import torch

    return torch.randint(5, VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def positions(*rows: tuple[int, ...]) -> Tensor:
    """Returns the positions of rows given by the lengths of their documents."""
    import torch

    return torch.stack([torch.cat([torch.arange(length) for length in row]) for row in rows])
