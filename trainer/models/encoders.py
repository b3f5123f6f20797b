"""The picture and the sentence encoder: `transformers` ResNet and BERT, pre-trained from a folder or hub name, or from scratch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertModel
from transformers.models.resnet.configuration_resnet import ResNetConfig
from transformers.models.resnet.modeling_resnet import ResNetModel
from transformers.utils import logging as transformers_log

from trainer.config import ImageEncoder, TextEncoder
from trainer.packaged import folder_of

Loaded = TypeVar("Loaded")
Encoder = TypeVar("Encoder", ResNetModel, BertModel)
PADDING, MASK = "[PAD]", "[MASK]"
# What it would say about unused poolers and progress has no reader in a log.
transformers_log.set_verbosity_error()
transformers_log.disable_progress_bar()
VOCABULARY = Path(__file__).with_name("vocabulary.txt")


def pretrained(field: str, model: type[Encoder], name: str, **settings: Any) -> Encoder:
    """Loads safetensors; raises ValueError where a weight of the encoder is missing: it would start at random without a word."""

    def loader(place: str) -> Encoder:
        loaded: Any = model.from_pretrained(place, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **settings)
        found: Encoder = loaded[0]
        if missing := sorted(loaded[1]["missing_keys"]):
            raise ValueError(f"its weights are of another kind of model: {missing[0]} is missing")
        return found

    return load(field, name, loader)


def load(field: str, name: str, loader: Callable[[str], Loaded]) -> Loaded:
    """Calls a `from_pretrained`; whatever goes wrong is the user's to know, with the field that named it."""
    try:
        return loader(folder_of(name))
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{field}: cannot load {name!r}: {reason}") from error


def image_encoder(config: ImageEncoder) -> ResNetModel:
    """Takes pictures (batch, 3, side, side), normalised; gives feature maps and a pooled (batch, channels, 1, 1)."""
    if config.pretrained:
        return pretrained("model.image.pretrained", ResNetModel, config.pretrained)
    return ResNetModel(
        ResNetConfig(
            embedding_size=config.stem_width,
            hidden_sizes=list(config.widths),
            depths=list(config.depths),
            layer_type=config.block,
        )
    )


def text_encoder(config: TextEncoder, vocabulary_size: int) -> BertModel:
    """Takes token ids and mask (batch, tokens); gives hidden states (batch, tokens, width). No pooler: it would never be trained."""
    if config.pretrained:
        found = pretrained("model.text.pretrained", BertModel, config.pretrained, add_pooling_layer=False)
        if config.max_tokens > (most := found.config.max_position_embeddings):
            raise ValueError(f"model.text.max_tokens: {config.pretrained!r} reads {most} tokens at most")
        return found
    settings = BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=config.width,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        intermediate_size=4 * config.width,
    )
    return BertModel(settings, add_pooling_layer=False)


def tokenizer(config: TextEncoder) -> Tokenizer:
    """The encoder's own tokenizer, or lower-cased WordPiece over the shipped vocabulary; cuts and pads to `max_tokens`."""
    if config.pretrained:
        found = load("model.text.pretrained", config.pretrained, tokenizer_of)
    else:
        found = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)._tokenizer
    refuse_without_special_tokens(found)
    found.enable_truncation(config.max_tokens)
    found.enable_padding(length=config.max_tokens, pad_id=found.token_to_id(PADDING), pad_token=PADDING)
    return found


def tokenizer_of(name: str) -> Tokenizer:
    file = Path(name) / "tokenizer.json"
    return Tokenizer.from_file(str(file)) if file.exists() else Tokenizer.from_pretrained(name)


def refuse_without_special_tokens(tokenizer: Tokenizer) -> None:
    for token in (PADDING, MASK):
        if tokenizer.token_to_id(token) is None:
            raise ValueError(f"model.text.pretrained: its tokenizer has no {token}, so it is not of the BERT family")


def mask_token(tokenizer: Tokenizer) -> int:
    found = tokenizer.token_to_id(MASK)
    assert found is not None
    return found


def widths(image: ResNetModel) -> list[int]:
    """Channels of each group of blocks."""
    sizes = image.config.hidden_sizes
    assert sizes
    return list(sizes)


def rebuild(folder: Path) -> tuple[ResNetModel, BertModel, Tokenizer]:
    """Builds the encoders of a checkpoint from the sizes it recorded; their weights come with the network's."""
    sizes: dict[str, Any] = json.loads((folder / "encoders.json").read_text())
    image = ResNetModel(ResNetConfig(**sizes["image"]))
    text = BertModel(BertConfig(**sizes["text"]), add_pooling_layer=False)
    return image, text, Tokenizer.from_file(str(folder / "tokenizer.json"))
