"""A checkpoint as folders of `transformers`: what was trained here loads there, and as a pre-trained part of another run."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from trainer import checkpoint
from trainer.config import family_of
from trainer.manifest import verify
from trainer.models import language, network, tokenizers

SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}


def save(source: Path, to: Path) -> None:
    """Writes a checkpoint folder's model into `to`. Raises Damaged.

    Image + text becomes two folders, `image` (a ResNet) and `text` (a BERT and its tokenizer), for `AutoModel` and `AutoTokenizer`;
    projections, fusion and heads have no class there and stay in the checkpoint. A language model becomes the folder itself.
    """
    verify(source)
    if family_of(checkpoint.document(source, "config")["model"]) == "image_text":
        save_image_text(source, to)
    else:
        save_language(source, to)


def save_image_text(source: Path, to: Path) -> None:
    made, tokenizer, _ = network.from_checkpoint(source)
    made.image.save_pretrained(to / "image")
    made.text.save_pretrained(to / "text")
    bert_tokenizer(tokenizer, made.config.text.max_tokens).save_pretrained(to / "text")


def bert_tokenizer(tokenizer: Tokenizer, max_tokens: int) -> PreTrainedTokenizerFast:
    """There a tokenizer cuts and pads when it is told to; here each row is made as long as the next."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special = {name: token for name, token in SPECIAL.items() if tokenizer.token_to_id(token) is not None}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=max_tokens, **special)


def save_language(source: Path, to: Path) -> None:
    made = language.rebuild(source)
    made.load_state_dict(checkpoint.tensors(source, "model"))
    language.save(made, tokenizers.from_folder(source), to)
