"""What a curriculum measures of the samples of a task, and that it decides what is drawn."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from tests.trainer.small import picture
from trainer.config import AnyTask, Curriculum, MaskedLanguageModelling, Sentiment, Source
from trainer.data.difficulty import edge_entropy, standardised
from trainer.data.picture_cache import PictureCache
from trainer.data.pictures import decode
from trainer.data.samples import Samples
from trainer.data.writing import Sample, write_dataset

TEXTS = ("red", "red red blue", "red green", "red blue red blue")
SIDE = 16


def tokenizer() -> Tokenizer:
    """One token a word, [CLS] and [SEP] around, padded to 8: like the packaged one, with words that can be counted."""
    words = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "red": 3, "blue": 4, "green": 5}
    made = Tokenizer(WordLevel(words, "[PAD]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 1), ("[SEP]", 2)])
    made.enable_truncation(8)
    made.enable_padding(length=8, pad_id=0, pad_token="[PAD]")
    return made


def samples(root: Path, *texts: str, name: str = "pairs") -> tuple[Samples, AnyTask]:
    rows = [Sample(picture(seed), text, seed % 2) for seed, text in enumerate(texts or TEXTS)]
    write_dataset(root / name, {"train": rows, "validation": rows}, ("image", "text", "label"), title=name, classes=["down", "up"])
    task = Sentiment(sources=(Source(dataset=name),))
    return Samples(task, "train", [root], tokenizer(), PictureCache(SIDE)), task


def easiness(drawn_from: Samples, task: AnyTask, curriculum: Curriculum, **fields: Any) -> np.ndarray:
    (found,) = drawn_from.samplers(task, 0, curriculum, **fields).values()
    return found.easiness


def test_length_and_rarity_are_those_of_the_words_alone(tmp_path: Path) -> None:
    measures = samples(tmp_path)[0].measures(0, Curriculum(length=1))
    red, blue, green = (math.log(10 / count) for count in (6, 3, 1))
    assert measures["length"] == pytest.approx(np.log([1, 3, 2, 4]))
    assert measures["rarity"] == pytest.approx([red, (2 * red + blue) / 3, (red + green) / 2, (red + blue) / 2])


def test_a_sentence_that_is_cut_is_as_long_as_what_is_left_of_it(tmp_path: Path) -> None:
    measures = samples(tmp_path, "red " * 50, "red")[0].measures(0, Curriculum(length=1))
    assert measures["length"] == pytest.approx([math.log(6), 0])


def test_entropy_is_that_of_the_picture_as_the_network_sees_it(tmp_path: Path) -> None:
    found = samples(tmp_path)[0].measures(0, Curriculum(entropy=1))
    assert found["entropy"].tolist() == [edge_entropy(decode(picture(seed), SIDE)) for seed in range(4)]


def test_nothing_is_measured_that_has_no_weight(tmp_path: Path) -> None:
    assert samples(tmp_path)[0].measures(0, Curriculum(loss=1)) == {}


def test_easiness_is_minus_the_standardised_difficulty(tmp_path: Path) -> None:
    drawn_from, task = samples(tmp_path)
    assert easiness(drawn_from, task, Curriculum(length=1)) == pytest.approx(-standardised(np.log([1, 3, 2, 4])))


def test_a_loss_that_is_given_is_weighed(tmp_path: Path) -> None:
    losses = np.array([0.1, 0.4, 0.2, 0.9])
    found = easiness(*samples(tmp_path), Curriculum(loss=1, length=2), losses=[losses])
    assert found == pytest.approx(-standardised(standardised(losses) + 2 * standardised(np.log([1, 3, 2, 4]))))


def test_a_loss_that_is_weighed_but_not_given_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^curriculum\.loss: "):
        easiness(*samples(tmp_path), Curriculum(loss=1))


def test_a_data_set_without_pictures_has_no_entropy(tmp_path: Path) -> None:
    rows = [Sample(None, text, None) for text in TEXTS]
    write_dataset(tmp_path / "words", {"train": rows, "validation": rows}, ("text",), title="words")
    task = MaskedLanguageModelling(sources=(Source(dataset="words"),))
    with pytest.raises(ValueError, match=r"^curriculum\.entropy: "):
        easiness(Samples(task, "train", [tmp_path], tokenizer(), PictureCache(SIDE)), task, Curriculum(entropy=1))


def test_without_flattening_rows_are_drawn_by_the_softmax_of_their_easiness(tmp_path: Path) -> None:
    drawn_from, task = samples(tmp_path)
    counts = Counter(row for _, row in drawn_from.mixture(task, 0, Curriculum(length=1, flattening=0)).draw(20_000, 1))
    weights = np.exp(-standardised(np.log([1, 3, 2, 4])))
    assert [counts[row] / 20_000 for row in range(4)] == pytest.approx(weights / weights.sum(), abs=4 * 0.5 / math.sqrt(20_000))


def test_without_a_curriculum_every_row_comes_once_in_an_epoch(tmp_path: Path) -> None:
    drawn_from, task = samples(tmp_path)
    assert sorted(drawn_from.mixture(task, 0).draw(4)) == [(0, row) for row in range(4)]
