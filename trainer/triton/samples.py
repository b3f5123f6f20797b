"""What the load test sends: pictures and sentences made up from a seed. A model takes as long for them as for any others."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from tokenizers import Tokenizer

from trainer.inputs import to_arrays
from trainer.runtimes import ModelCard
from trainer.triton.configs import RAW

NUM_SAMPLES = 16
SIDE = 256
QUALITY = 85


def raw_samples(card: ModelCard, tokenizer: Tokenizer, count: int = NUM_SAMPLES) -> list[tuple[bytes, str]]:
    """JPEG pictures with edges and noise, and sentences of words from the model's own vocabulary, half as long as it reads to the full."""
    rng = np.random.default_rng(0)
    words = [word for word in sorted(tokenizer.get_vocab()) if word.isascii() and word.isalpha()] or ["a"]
    return [(picture(rng), " ".join(rng.choice(words, int(rng.integers(card.max_tokens // 2, card.max_tokens))))) for _ in range(count)]


def picture(rng: np.random.Generator) -> bytes:
    blocks = rng.integers(0, 256, (8, 8, 3)).repeat(SIDE // 8, 0).repeat(SIDE // 8, 1)
    noisy = (blocks + rng.normal(0, 12, blocks.shape)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def requests(card: ModelCard, tokenizer: Tokenizer, entrance: str, samples: Sequence[tuple[bytes, str]]) -> list[dict[str, np.ndarray]]:
    """Returns the inputs of a request for each sample: bytes for the pipeline, arrays for the model, a batch of one."""
    if entrance == "model":
        return [to_arrays(card, tokenizer, image, text) for image, text in samples]
    return [as_bytes(card, image, text) for image, text in samples]


def as_bytes(card: ModelCard, image: bytes | None, text: str | None) -> dict[str, np.ndarray]:
    """The pipeline's inputs for a batch of one."""
    given = {"picture": image, "tokens": None if text is None else text.encode()}
    return {RAW[name]: np.array([[given[name]]], np.object_) for name in card.names if name in RAW}


def num_tokens(tokenizer: Tokenizer, samples: Sequence[tuple[bytes, str]]) -> float:
    """Returns the mean number of tokens that a model reads of a sentence, padding left out."""
    return float(np.mean([sum(tokenizer.encode(text).attention_mask) for _, text in samples]))
