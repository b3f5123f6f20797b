"""Model families: what a network is built of, or loaded from."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from trainer.config.settings import Settings


class ImageEncoder(Settings):
    """A ResNet of `transformers`: from a hub name or a local folder, or built from scratch by its sizes."""

    pretrained: str = Field("", max_length=200, description="Hub name or local folder of a ResNet. Empty: start from scratch.")
    image_size: int = Field(64, ge=16, le=512, description="Side of the square picture the encoder sees.", json_schema_extra={"unit": "px"})
    stem_width: int = Field(32, ge=4, le=256, description="Channels after the first convolution.")
    widths: tuple[int, ...] = Field((32, 64, 128, 256), min_length=1, max_length=6, description="Channels of each group of blocks.")
    depths: tuple[int, ...] = Field((1, 1, 1, 1), min_length=1, max_length=6, description="Blocks in each group.")
    block: Literal["basic", "bottleneck"] = Field("basic", description="Basic blocks suit small nets, bottleneck blocks ResNet-50 and up.")

    @model_validator(mode="after")
    def one_depth_per_width(self) -> Self:
        if len(self.widths) != len(self.depths):
            raise ValueError("widths and depths must have the same number of groups")
        return self


class TextEncoder(Settings):
    """A BERT-family encoder: from a hub name, a local folder or the packaged MiniLM, or built from scratch."""

    pretrained: str = Field(
        "", max_length=200, description="Hub name, local folder, or `minilm-l6` for the packaged weights. Empty: from scratch."
    )
    max_tokens: int = Field(32, ge=8, le=512, description="Longer sentences are cut here.", json_schema_extra={"unit": "tokens"})
    width: int = Field(128, ge=16, le=4096, description="Width of the hidden states when built from scratch.")
    num_layers: int = Field(2, ge=1, le=48, description="Transformer blocks when built from scratch.")
    num_heads: int = Field(2, ge=1, le=64, description="Attention heads when built from scratch.")

    @model_validator(mode="after")
    def heads_divide_width(self) -> Self:
        if not self.pretrained and self.width % self.num_heads:
            raise ValueError("width must be a multiple of num_heads")
        return self


class ImageTextModel(Settings):
    """Picture and sentence encoders, projected to one width, fused, classified."""

    family: Literal["image_text"] = "image_text"
    image: ImageEncoder = ImageEncoder()
    text: TextEncoder = TextEncoder()
    fusion: Literal["sum", "concatenation", "gated", "cross_attention"] = Field(
        "sum", description="How the two projected features become one."
    )
    fusion_width: int = Field(128, ge=8, le=4096, description="Common width of the two projections.")
    inputs: Literal["image_and_text", "image", "text"] = Field(
        "image_and_text", description="What the classifier sees. One alone shows what the other adds."
    )


class LanguageModel(Settings):
    """What the language models have in common: a Transformer of `transformers`, built by its sizes or loaded, and a tokenizer."""

    pretrained: str = Field("", max_length=200, description="Hub name or local folder of a model. Empty: start from scratch.")
    tokenizer: str = Field(
        "", max_length=200, description="Hub name or local folder. Empty: the model's own, or byte-level BPE trained on the run's sources."
    )
    vocabulary_size: int = Field(
        4096, ge=300, le=262_144, description="Tokens of a vocabulary that is trained here.", json_schema_extra={"unit": "tokens"}
    )
    max_tokens: int = Field(
        128, ge=8, le=131_072, description="Length of a row; documents are packed into rows.", json_schema_extra={"unit": "tokens"}
    )
    width: int = Field(256, ge=16, le=16_384, description="Width of the hidden states when built from scratch.")
    num_layers: int = Field(4, ge=2, le=128, description="Transformer blocks when built from scratch.")
    num_heads: int = Field(4, ge=1, le=128, description="Attention heads when built from scratch.")
    mlp_width: int = Field(688, ge=16, le=65_536, description="Width inside the feed-forward blocks when built from scratch.")

    @model_validator(mode="after")
    def heads_divide_width(self) -> Self:
        if not self.pretrained and self.width % self.num_heads:
            raise ValueError("width must be a multiple of num_heads")
        return self


class CausalLanguageModel(LanguageModel):
    """A dense decoder that predicts the next token (the Llama of `transformers`)."""

    family: Literal["causal_lm"] = "causal_lm"


class MixtureOfExpertsModel(LanguageModel):
    """A decoder whose feed-forward blocks are experts, of which a router picks a few for each token."""

    family: Literal["moe_lm"] = "moe_lm"
    num_experts: int = Field(8, ge=2, le=512, description="Experts in each block.")
    experts_per_token: int = Field(2, ge=1, le=64, description="Experts that work on a token.")
    balance: Literal["loss", "bias"] = Field(
        "loss", description="What keeps the experts equally busy: Switch Transformer's loss, or DeepSeek's bias on the router."
    )
    balance_rate: float = Field(0.01, ge=0, le=1, description="Weight of the balance loss, or how far the bias moves in a step.")
    capacity_factor: float | None = Field(
        None, ge=0.5, le=64, description="Tokens an expert takes, as a multiple of an equal share; others are dropped. Empty: no limit."
    )

    @model_validator(mode="after")
    def picks_some_of_the_experts(self) -> Self:
        if self.experts_per_token >= self.num_experts:
            raise ValueError("experts_per_token must be less than num_experts")
        return self


class MaskedLanguageModel(LanguageModel):
    """An encoder that guesses hidden tokens from both sides (the BERT of `transformers`)."""

    family: Literal["masked_lm"] = "masked_lm"


FAMILIES: dict[str, type[Settings]] = {
    "image_text": ImageTextModel,
    "causal_lm": CausalLanguageModel,
    "moe_lm": MixtureOfExpertsModel,
    "masked_lm": MaskedLanguageModel,
}


def family_of(model: Any) -> Any:
    """A document without a family is of image + text, the first family there was."""
    return model.get("family", "image_text") if isinstance(model, dict) else getattr(model, "family", None)


Model = Annotated[
    Annotated[ImageTextModel, Tag("image_text")]
    | Annotated[CausalLanguageModel, Tag("causal_lm")]
    | Annotated[MixtureOfExpertsModel, Tag("moe_lm")]
    | Annotated[MaskedLanguageModel, Tag("masked_lm")],
    Discriminator(family_of),
]
