"""A language model that goes on with a text, token by token. T tokens, V vocabulary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast
from transformers.models.bert.modeling_bert import BertForMaskedLM

from trainer import checkpoint
from trainer.data.documents import end_of
from trainer.data.uploads import check_text
from trainer.manifest import verify
from trainer.models import language, tokenizers

NUM_KEPT = 2
UNFINISHED = "\ufffd"  # what bytes decode to that are not yet a whole character


class Manner(BaseModel):
    """How the next token is chosen: at a temperature of 0 the likeliest one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(0.8, ge=0, le=5, allow_inf_nan=False)
    top_k: int = Field(50, ge=0, le=100_000, description="Of how many of the likeliest tokens one is drawn; 0 for all.")
    max_tokens: int = Field(200, ge=1, le=2000)
    seed: int = Field(0, ge=0, lt=2**63)
    as_chat: bool = Field(False, description="Whether the prompt is put as a question, in the template of the tokenizer.")


@dataclass(frozen=True)
class Speaker:
    """A causal language model with its tokenizer; `max_tokens` is how many it can look at."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    max_tokens: int


@lru_cache(maxsize=NUM_KEPT)
def load(folder: Path) -> Speaker:
    """Raises ValueError for a checkpoint that is whole but of no causal language model, Damaged for one that is not whole."""
    place = checkpoint.newest(folder)
    verify(place)
    card = checkpoint.document(place, "config")
    if not (place / "network.json").exists():
        raise ValueError(f"{place.name} is of no language model")
    network = language.rebuild(place)
    if isinstance(network, BertForMaskedLM):
        raise ValueError(f"{place.name} is of a masked language model, which cannot go on with a text")
    network.load_state_dict(checkpoint.tensors(place, "model"))
    return Speaker(network.eval(), tokenizers.from_folder(place), int(card["model"]["max_tokens"]))


def prompt_tokens(speaker: Speaker, prompt: str, manner: Manner) -> list[int]:
    """Raises ValueError for a prompt that leaves no room for an answer."""
    text = check_text(prompt)
    if manner.as_chat:
        text = tokenizers.rendered(speaker.tokenizer, [{"role": "user", "content": text}], add_generation_prompt=True)
    found = tokenizers.encoded(speaker.tokenizer, text)
    if len(found) >= speaker.max_tokens:
        raise ValueError(f"The prompt has {len(found):,} tokens; this model looks at {speaker.max_tokens:,}, the answer included.")
    return found


@torch.inference_mode()
def tokens(speaker: Speaker, given: list[int], manner: Manner) -> Iterator[int]:
    """Yields one token after the other, until the end of text, `max_tokens`, or as many as the model can look at."""
    generator, end = torch.Generator().manual_seed(manner.seed), end_of(speaker.tokenizer)
    inputs, past = torch.tensor([given]), None
    for _ in range(min(manner.max_tokens, speaker.max_tokens - len(given))):
        found: Any = speaker.network(input_ids=inputs, past_key_values=past, use_cache=True)
        token = chosen(found.logits[0, -1].float(), manner, generator)
        if token == end:
            return
        yield token
        inputs, past = torch.tensor([[token]]), found.past_key_values


def chosen(logits_V: Tensor, manner: Manner, generator: torch.Generator) -> int:
    if manner.temperature == 0:
        return int(logits_V.argmax())
    scaled_V = logits_V / manner.temperature
    if 0 < manner.top_k < len(scaled_V):
        least = scaled_V.topk(manner.top_k).values[-1]
        scaled_V = scaled_V.masked_fill(scaled_V < least, -torch.inf)
    return int(torch.multinomial(scaled_V.softmax(0), 1, generator=generator))


def generate(
    speaker: Speaker, prompt: str, manner: Manner, say: Callable[[str], None], is_unwanted: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """Says each piece of text as soon as it stands, and returns all of it with `ended`: end, length or stopped."""
    given, began, found = prompt_tokens(speaker, prompt, manner), time.perf_counter(), list[int]()
    said, ended = "", ""
    for token in tokens(speaker, given, manner):
        found.append(token)
        text = str(speaker.tokenizer.decode(found))
        if not text.endswith(UNFINISHED):
            say(text[len(said) :])
            said = text
        if is_unwanted():
            ended = "stopped"
            break
    took_s = time.perf_counter() - began
    is_full = len(found) >= min(manner.max_tokens, speaker.max_tokens - len(given))
    return {
        "text": str(speaker.tokenizer.decode(found)),
        "num_prompt_tokens": len(given),
        "num_tokens": len(found),
        "tokens_per_s": round(len(found) / took_s, 1),
        "ended": ended or ("length" if is_full else "end"),
    }
