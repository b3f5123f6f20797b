"""Which data sets there are, and that what ships is whole, small and credited."""

from __future__ import annotations

import ast
import json
import logging
from pathlib import Path

import pytest

from trainer import catalog
from trainer.catalog import SHIPPED
from trainer.data.equations import generate
from trainer.data.reading import open_dataset
from trainer.data.writing import Sample, write_dataset

SPLITS = ("train", "validation", "test")


def make(folder: Path, name: str = "mine") -> Path:
    rows = [Sample(text=f"row {number}", label=number % 2) for number in range(4)]
    write_dataset(folder / name, dict.fromkeys(SPLITS, rows), ["text", "label"], title="Mine", classes=["no", "yes"])
    return folder / name


PICTURES = ["composed-pairs", "emoji-groups", "natural-pairs"]
TEXTS = {
    "equations": "equations",
    "instructions-human": "instructions",
    "instructions-synthetic": "instructions",
    "python-code": "text",
    "state-of-the-union": "text",
    "wordnet-glosses": "text",
    "wordnet-triples": "triples",
}


def test_ten_data_sets_ship() -> None:
    assert list(catalog.load()) == sorted([*PICTURES, *TEXTS])


@pytest.mark.parametrize("name", PICTURES)
def test_a_shipped_card_says_what_the_files_hold(name: str) -> None:
    card = catalog.load()[name]
    for split in SPLITS:
        rows = open_dataset(name, split)
        assert len(rows) == card.num_samples[split] > 0
        assert rows.labels is not None
        assert set(rows.labels.tolist()) == set(range(len(card.classes)))
        assert rows.image(0).startswith(b"\xff\xd8")
        assert (rows.texts is not None) == ("text" in card.columns)


def test_the_shipped_data_fit_their_bounds() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < 12 * 2**20


@pytest.mark.parametrize("name", catalog.load())
def test_a_shipped_data_set_carries_its_licence_and_credits(name: str) -> None:
    card = catalog.load()[name]
    text = (card.folder / "LICENCE.txt").read_text()
    assert card.licence in text
    assert all(credit in text for credit in card.credits)
    assert ("Twemoji" in text) == (name in PICTURES)


@pytest.mark.parametrize(("name", "kind"), TEXTS.items())
def test_a_shipped_text_is_whole_and_no_row_of_it_is_in_two_splits(name: str, kind: str) -> None:
    card, seen = catalog.load()[name], set[tuple[str, ...]]()
    assert card.kind == kind
    for split in SPLITS:
        rows = list(zip(*open_dataset(name, split).strings.values(), strict=True))
        assert len(rows) == card.num_samples[split] > 0
        assert all(field.strip() for row in rows for column, field in zip(card.columns, row, strict=True) if column != "input")
        assert not seen & set(rows)
        seen |= set(rows)


@pytest.mark.parametrize(
    ("name", "phrase"),
    [("wordnet-glosses", "Princeton University"), ("wordnet-triples", "AS IS"), ("python-code", "PYTHON SOFTWARE FOUNDATION LICENSE")],
)
def test_a_licence_that_has_to_go_with_the_data_does(name: str, phrase: str) -> None:
    assert phrase in (SHIPPED / name / "LICENCE.txt").read_text()


def test_the_shipped_instructions_say_who_wrote_them_30_to_70() -> None:
    human, synthetic = (catalog.load()[f"instructions-{origin}"] for origin in ("human", "synthetic"))
    assert (human.origin, synthetic.origin) == ("human", "synthetic")
    by_people, by_a_model = sum(human.num_samples.values()), sum(synthetic.num_samples.values())
    assert by_people / (by_people + by_a_model) == pytest.approx(0.3, abs=0.005)


def test_the_shipped_code_is_python() -> None:
    texts = open_dataset("python-code", "validation").texts
    assert texts
    for text in texts:
        ast.parse(text)


def test_the_shipped_equations_are_made_again_by_their_seed() -> None:
    rows = {pair for split in SPLITS for pair in zip(*open_dataset("equations", split).strings.values(), strict=True)}
    assert set(generate(100, 0)) <= rows


def test_no_emoji_is_in_two_splits_of_the_emoji_groups() -> None:
    pictures = [{rows.image(number) for number in range(len(rows))} for rows in (open_dataset("emoji-groups", split) for split in SPLITS)]
    assert not pictures[0] & pictures[1]
    assert not pictures[0] & pictures[2]
    assert not pictures[1] & pictures[2]


def test_an_imported_data_set_is_found_beside_the_shipped_ones(tmp_path: Path) -> None:
    make(tmp_path)
    card = catalog.load([tmp_path])["mine"]
    assert card.num_samples == {"train": 4, "validation": 4, "test": 4}
    assert card.mean_words == 2
    assert card.folder == tmp_path / "mine"


def test_an_imported_data_set_cannot_take_a_shipped_name(tmp_path: Path) -> None:
    make(tmp_path, "emoji-groups")
    assert catalog.load([tmp_path])["emoji-groups"].folder == SHIPPED / "emoji-groups"


@pytest.mark.parametrize(
    "card", ["{", "[]", '{"name": "broken"}', json.dumps({"name": "../up", "title": "", "columns": [], "num_samples": {}})]
)
def test_a_broken_card_is_named_and_the_others_stay(card: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "dataset.json").write_text(card)
    with caplog.at_level(logging.WARNING):
        assert "mine" in catalog.load([tmp_path])
    assert "broken" in caplog.text


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'no-such'; there are composed-pairs, emoji-groups"):
        open_dataset("no-such", "train")


def test_a_missing_split_is_refused(tmp_path: Path) -> None:
    (make(tmp_path) / "test.parquet").unlink()
    with pytest.raises(ValueError, match="'mine' has no test split"):
        open_dataset("mine", "test", [tmp_path])


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [Sample(f"picture {number % 7}".encode(), f"Wort {number} — ü", number % 3) for number in range(5000)]
    write_dataset(tmp_path / "mine", {"train": iter(rows)}, ["image", "text", "label"], title="Mine", classes=["a", "b", "c"])
    found = open_dataset("mine", "train", [tmp_path])
    assert found.labels is not None
    assert found.texts == [row.text for row in rows]
    assert found.labels.tolist() == [row.label for row in rows]
    assert [found.image(number) for number in (0, 4095, 4096, 4999)] == [rows[number].image for number in (0, 4095, 4096, 4999)]


def test_equal_pictures_are_stored_once(tmp_path: Path) -> None:
    picture = bytes(range(256)) * 40
    write_dataset(tmp_path / "mine", {"train": [Sample(picture)] * 300}, ["image"], title="Mine")
    assert (tmp_path / "mine" / "train.parquet").stat().st_size < 3 * len(picture)


def test_a_write_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def rows():
        yield Sample(text="one")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_dataset(tmp_path / "mine", {"train": rows()}, ["text"], title="Mine")
    assert list(tmp_path.iterdir()) == []
