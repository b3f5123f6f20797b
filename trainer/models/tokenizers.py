"""Tokenizers of the language models: byte-level BPE trained on the run's own texts, or loaded; the chat template; JSON for checkpoints."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from trainer.config import LanguageModel, MaskedLanguageModel

PAD, END, MASK, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|mask|>", "<|user|>", "<|assistant|>"
# In the order of their ids, from 0.
SPECIAL = (PAD, END, MASK, USER, ASSISTANT)
SMALLEST = 256 + len(SPECIAL)
# The end token of the tokenizer itself, so that the template also serves one that came without.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
# What a fast tokenizer needs beside `tokenizer.json`; the rest of its config says how and where it was made.
KEPT = ("chat_template", "clean_up_tokenization_spaces", "model_input_names", "padding_side")


def train(texts: Iterable[str], vocabulary_size: int) -> PreTrainedTokenizerFast:
    """Trains byte-level BPE (GPT-2): every text can be written, so there is no unknown token. The same texts give the same tokenizer.

    A few texts have fewer merges than `vocabulary_size` asks for: the vocabulary is then smaller. Raises ValueError without any text.
    """
    assert vocabulary_size >= SMALLEST
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainer_of(vocabulary_size))
    if tokenizer.get_vocab_size() == SMALLEST:
        raise ValueError("model.tokenizer: there is no text to train a tokenizer on")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, mask_token=MASK, chat_template=CHAT_TEMPLATE, padding_side="right"
    )


def trainer_of(vocabulary_size: int) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )


def load(name: str, field: str = "model.tokenizer") -> PreTrainedTokenizerFast:
    """Loads by hub name or from a local folder; gives the default template to one that has none. Raises ValueError naming the field."""
    # Imports torch, which tokenising does not need.
    from trainer.models import encoders

    found = encoders.load(field, name, fast)
    if found.eos_token is None and found.sep_token is None:
        raise ValueError(f"{field}: {name!r} has no token for the end of a text")
    if found.chat_template is None:
        found.chat_template = CHAT_TEMPLATE
    return found


def fast(place: str) -> PreTrainedTokenizerFast:
    found = AutoTokenizer.from_pretrained(place)
    if not isinstance(found, PreTrainedTokenizerFast):
        raise ValueError("it is not of the `tokenizers` library")
    return found


def choose(config: LanguageModel, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Returns the tokenizer that the config names, else the model's own, else one trained on the texts. Raises ValueError."""
    if config.tokenizer or config.pretrained:
        found = load(config.tokenizer or config.pretrained, "model.tokenizer" if config.tokenizer else "model.pretrained")
    else:
        found = train(texts, config.vocabulary_size)
    if isinstance(config, MaskedLanguageModel) and found.mask_token is None:
        raise ValueError("model.tokenizer: it has no mask token, which masked_lm needs")
    return found


# --- conversations -------------------------------------------------------------------------------------------------------


def chat(tokenizer: PreTrainedTokenizerFast, prompt: str, answer: str) -> tuple[list[int], list[int]]:
    """Renders a conversation of one turn by the template; returns the ids that are given and those to learn, the end token last.

    Both are tokenised on their own, as the answer is when it is generated. Raises ValueError where the template rewrites the prompt.
    """
    asked: list[dict[str, str]] = [{"role": "user", "content": prompt}]
    given = rendered(tokenizer, asked, add_generation_prompt=True)
    whole = rendered(tokenizer, [*asked, {"role": "assistant", "content": answer}], add_generation_prompt=False)
    if not whole.startswith(given):
        raise ValueError("model.tokenizer: its chat template does not put the answer behind the prompt")
    return encoded(tokenizer, given), ended(encoded(tokenizer, whole[len(given) :]), tokenizer)


def rendered(tokenizer: PreTrainedTokenizerFast, messages: list[dict[str, str]], *, add_generation_prompt: bool) -> str:
    found = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=add_generation_prompt)
    assert isinstance(found, str)
    return found


def encoded(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))


def ended(answer: list[int], tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Some templates write a line break behind the end token, others no end token at all."""
    end = tokenizer.sep_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id
    assert isinstance(end, int)
    return [*answer[: answer.index(end)], end] if end in answer else [*answer, end]


# --- checkpoints ---------------------------------------------------------------------------------------------------------


def documents(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Returns what a checkpoint keeps of it: the JSON documents `tokenizer` and `tokenizer_config`, by file name without its ending."""
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    kept = {name: getattr(tokenizer, name) for name in KEPT}
    return {"tokenizer": json.loads(tokenizer.backend_tokenizer.to_str()), "tokenizer_config": kept | special}


def from_folder(folder: Path) -> PreTrainedTokenizerFast:
    """Reads the documents of a checkpoint folder."""
    settings: dict[str, Any] = json.loads((folder / "tokenizer_config.json").read_text())
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **settings)
