"""A text that is gone on with: greedy is the evaluation's greedy, drawing keeps to the likeliest k, and it ends when nobody reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.trainer import small_language
from trainer.data.documents import end_of
from trainer.evaluation import greedy
from trainer.generating import Manner, Speaker, chosen, generate, load, prompt_tokens, tokens
from trainer.models import language, tokenizers

PROMPT = "The cat number 3"


@pytest.fixture(params=["llama", "mixtral", "deepseek_v3"])
def speaker(request: pytest.FixtureRequest) -> Speaker:
    tokenizer = tokenizers.train(small_language.TEXTS, small_language.VOCABULARY)
    return Speaker(small_language.network(request.param, max_tokens=64), tokenizer, 64)


def whole_logits(speaker: Speaker, tokens_BT: torch.Tensor) -> torch.Tensor:
    positions = torch.arange(tokens_BT.shape[1]).expand_as(tokens_BT)
    return language.logits(speaker.network, language.hidden(speaker.network, tokens_BT, positions, is_packed=False)[:, -1])


def test_without_temperature_it_says_what_the_evaluation_s_greedy_says(speaker: Speaker) -> None:
    """The reference goes over the whole text at every token, here what was computed is kept."""
    manner = Manner(temperature=0, max_tokens=20)
    given = prompt_tokens(speaker, PROMPT, manner)
    (expected,) = greedy.answers(lambda rows: whole_logits(speaker, rows), [given], end_of(speaker.tokenizer), 20, 1)
    assert list(tokens(speaker, given, manner)) == expected


def test_what_is_said_piece_by_piece_is_the_whole(speaker: Speaker) -> None:
    pieces: list[str] = []
    found = generate(speaker, PROMPT, Manner(temperature=2, max_tokens=30, seed=1), pieces.append)
    # The last bytes may be no whole character yet.
    assert found["text"].startswith("".join(pieces))
    assert len(pieces) > 3
    again = generate(speaker, PROMPT, Manner(temperature=2, max_tokens=30, seed=1), pieces.append)
    assert again["text"] == found["text"]
    assert generate(speaker, PROMPT, Manner(temperature=2, max_tokens=30, seed=2), pieces.append)["text"] != found["text"]


def test_it_ends_at_its_limit_and_at_what_the_model_can_look_at(speaker: Speaker) -> None:
    silent = Speaker(speaker.network, speaker.tokenizer, 24)
    given = len(prompt_tokens(silent, PROMPT, Manner()))
    for most, expected in ((4, 4), (500, 24 - given)):
        found = generate(silent, PROMPT, Manner(temperature=5, top_k=0, max_tokens=most, seed=3), lambda _: None)
        assert found["num_tokens"] <= expected
        assert found["ended"] == ("length" if found["num_tokens"] == expected else "end")
    with pytest.raises(ValueError, match="tokens; this model looks at 24"):
        generate(silent, PROMPT * 10, Manner(), lambda _: None)


def test_it_ends_when_nobody_reads(speaker: Speaker) -> None:
    heard: list[str] = []
    found = generate(speaker, PROMPT, Manner(temperature=5, top_k=0, max_tokens=40), heard.append, lambda: len(heard) >= 2)
    assert found["num_tokens"] < 10
    assert found["ended"] == "stopped"


def test_drawing_keeps_to_the_likeliest_and_follows_their_probabilities() -> None:
    logits, generator = torch.tensor([2.0, 1.0, 0.0, -1.0]), torch.Generator().manual_seed(0)
    drawn = torch.tensor([chosen(logits, Manner(temperature=1, top_k=2), generator) for _ in range(4000)])
    share = (drawn == 0).float().mean()
    assert set(drawn.tolist()) == {0, 1}
    # Four deviations of a share of 0.73 among 4,000.
    assert float(share) == pytest.approx(float(torch.tensor([2.0, 1.0]).softmax(0)[0]), abs=0.03)
    assert {chosen(logits, Manner(temperature=5, top_k=0), generator) for _ in range(500)} == {0, 1, 2, 3}
    assert chosen(logits, Manner(temperature=0), generator) == 0


def test_a_question_is_put_in_the_template_of_the_chat(speaker: Speaker) -> None:
    asked = speaker.tokenizer.decode(prompt_tokens(speaker, PROMPT, Manner(as_chat=True)))
    assert asked == f"<|user|>{PROMPT}<|assistant|>"


@pytest.mark.parametrize("prompt", ["", " ", "a\0b", "x" * 10_001])
def test_a_prompt_that_is_none_is_refused(prompt: str, speaker: Speaker) -> None:
    with pytest.raises(ValueError, match=r"text"):
        generate(speaker, prompt, Manner(), lambda _: None)


def test_a_checkpoint_of_another_kind_is_refused_by_name(trained: object, tmp_path: Path) -> None:
    folder = trained("text") / "checkpoints" / "stage-1-step-000012"  # type: ignore[operator]
    with pytest.raises(ValueError, match="stage-1-step-000012 is of no language model"):
        load(folder)
