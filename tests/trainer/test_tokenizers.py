"""The trained tokenizer, the chat template, and the way through a checkpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from tests.trainer.small_language import TEXTS
from trainer.config import CausalLanguageModel, MaskedLanguageModel
from trainer.models import tokenizers

# Another process has other seeds of its hash tables, in Python and in Rust.
TRAIN_AGAIN = """
from tests.trainer.small_language import TEXTS
from trainer.models import tokenizers
print(tokenizers.train(iter(TEXTS), 420).backend_tokenizer.to_str())
"""


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return tokenizers.train(iter(TEXTS), 420)


def test_special_tokens_come_first_and_have_their_roles(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3, 4]) == ["<|pad|>", "<|end|>", "<|mask|>", "<|user|>", "<|assistant|>"]
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.mask_token_id) == (0, 1, 2)


def test_every_text_survives_even_what_training_never_saw(tokenizer: PreTrainedTokenizerFast) -> None:
    text = "  def f(x):\n\treturn 'naïve 猫 🙂'\x00  "
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_frequent_words_become_one_token_and_the_vocabulary_keeps_to_its_size(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer.encode(" heron")) == 1
    assert len(tokenizers.train(TEXTS, 300)) == 300


def test_the_same_texts_give_the_same_tokenizer_in_another_process(tokenizer: PreTrainedTokenizerFast) -> None:
    again = subprocess.run([sys.executable, "-c", TRAIN_AGAIN], capture_output=True, text=True, check=True)
    assert json.loads(again.stdout) == json.loads(tokenizer.backend_tokenizer.to_str())


def test_without_texts_there_is_no_tokenizer() -> None:
    with pytest.raises(ValueError, match=r"^model\.tokenizer: there is no text"):
        tokenizers.train([], 400)


def test_chat_parts_the_template_where_the_answer_begins(tokenizer: PreTrainedTokenizerFast) -> None:
    prompt, answer = tokenizers.chat(tokenizer, "Who sat?", "The cat.")
    assert tokenizer.decode(prompt) == "<|user|>Who sat?<|assistant|>"
    assert tokenizer.decode(answer) == "The cat.<|end|>"
    assert (prompt[0], prompt[-1], answer[-1]) == (3, 4, 1)


def test_chat_cuts_what_a_template_writes_behind_the_end_token(tokenizer: PreTrainedTokenizerFast) -> None:
    template = (
        "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}"
        "{% if m['role'] == 'assistant' %}{{ eos_token }}\n\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}[assistant] {% endif %}"
    )
    other = tokenizers.train(TEXTS, 300)
    other.chat_template = template
    prompt, answer = tokenizers.chat(other, "Who?", "A dog")
    assert other.decode(prompt) == "[user] Who?[assistant] "
    assert other.decode(answer) == "A dog<|end|>"


def test_a_template_that_rewrites_the_prompt_is_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    other = tokenizers.train(TEXTS, 300)
    other.chat_template = "{{ messages | length }}{{ messages[0]['content'] }}"
    with pytest.raises(ValueError, match=r"^model\.tokenizer: its chat template"):
        tokenizers.chat(other, "Who?", "A dog")


def test_a_checkpoint_keeps_the_tokenizer_whole(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    written = tokenizers.documents(tokenizer)
    for name, document in written.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    again = tokenizers.from_folder(tmp_path)
    assert tokenizers.chat(again, "Who sat?", "The dog.") == tokenizers.chat(tokenizer, "Who sat?", "The dog.")
    assert (again.pad_token_id, again.eos_token_id, again.mask_token_id) == (0, 1, 2)
    assert tokenizers.documents(again) == written


def test_an_exported_folder_loads_with_the_template(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    for found in (tokenizers.load(str(tmp_path)), AutoTokenizer.from_pretrained(tmp_path)):
        assert found.encode("The heron sat.") == tokenizer.encode("The heron sat.")
        assert found.chat_template == tokenizers.CHAT_TEMPLATE


def test_a_tokenizer_without_a_template_gets_the_default_one() -> None:
    found = tokenizers.load("minilm-l6")
    prompt, answer = tokenizers.chat(found, "hello", "yes")
    assert found.decode(answer) == "yes [SEP]"
    assert "hello" in found.decode(prompt)


def test_a_folder_without_a_tokenizer_is_refused_by_the_fields_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^model\.tokenizer: cannot load"):
        tokenizers.load(str(tmp_path))


def test_the_config_chooses_between_loading_and_training(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    assert len(tokenizers.choose(CausalLanguageModel(vocabulary_size=310), TEXTS)) == 310
    assert len(tokenizers.choose(CausalLanguageModel(tokenizer=str(tmp_path)), [])) == len(tokenizer)
    assert len(tokenizers.choose(CausalLanguageModel(pretrained=str(tmp_path)), [])) == len(tokenizer)


def test_masked_lm_needs_a_mask_token(tmp_path: Path) -> None:
    bare = tokenizers.train(TEXTS, 300)
    PreTrainedTokenizerFast(tokenizer_object=bare.backend_tokenizer, eos_token="<|end|>").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no mask token"):
        tokenizers.choose(MaskedLanguageModel(tokenizer=str(tmp_path)), [])
