"""Folders as people have them become data sets; what cannot be used is named and counted."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from trainer import catalog
from trainer.__main__ import main
from trainer.catalog import Card
from trainer.data.equations import generate
from trainer.data.importers.entries import Entry
from trainer.data.importers.mvsa import CLASSES, by_modality, majority, merge
from trainer.data.importers.pictures import Refused
from trainer.data.importers.splitting import split
from trainer.data.reading import Rows, open_dataset

SPLITS = ("train", "validation", "test")


def draw(path: Path, number: int = 0, size: tuple[int, int] = (8, 6), **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (number % 256, number // 256, 7)).save(path, **options)
    return path


def cut(path: Path) -> None:
    """A JPEG whose second half is missing."""
    Image.effect_noise((64, 64), 90).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "sets"


def write_table(source: Path, rows: list[dict[str, object]]) -> None:
    (source / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def good_rows(source: Path, count: int = 30) -> list[dict[str, object]]:
    names = [draw(source / "images" / f"{number}.png", number).relative_to(source) for number in range(count)]
    return [{"file_name": str(name), "text": f"row {number}", "label": "ab"[number % 2]} for number, name in enumerate(names)]


def bring_in(source: Path, to: Path, *options: str) -> Card:
    assert main(["import", "mine", str(source), "--to", str(to), *options]) == 0
    return catalog.load([to])["mine"]


def all_rows(to: Path) -> list[Rows]:
    return [open_dataset("mine", name, [to]) for name in SPLITS]


def test_a_table_and_its_pictures_are_split_8_to_1_to_1_by_label(source: Path, to: Path) -> None:
    write_table(source, good_rows(source, 100))
    card = bring_in(source, to)
    assert card.columns == ("image", "text", "label")
    assert card.classes == ("a", "b")
    assert card.num_samples == {"train": 80, "validation": 10, "test": 10}
    for rows in all_rows(to):
        assert rows.labels is not None
        assert len(set(Counter(rows.labels.tolist()).values())) == 1


def test_picture_text_and_label_of_a_row_stay_together(source: Path, to: Path) -> None:
    write_table(source, good_rows(source))
    bring_in(source, to)
    seen = set()
    for rows in all_rows(to):
        assert rows.texts is not None
        assert rows.labels is not None
        for place, text in enumerate(rows.texts):
            number = int(text.removeprefix("row "))
            assert rows.image(place) == (source / "images" / f"{number}.png").read_bytes()
            assert rows.labels[place] == number % 2
            seen.add(number)
    assert seen == set(range(30))


def test_splits_that_the_table_fixes_are_kept(source: Path, to: Path) -> None:
    rows = [{**row, "split": ("train", "val", "test")[number % 3]} for number, row in enumerate(good_rows(source))]
    write_table(source, rows)
    assert bring_in(source, to).num_samples == {"train": 10, "validation": 10, "test": 10}


def test_a_csv_of_texts_alone_is_a_data_set(source: Path, to: Path) -> None:
    lines = [f'"text {number}, quoted",{"yes" if number % 2 else "no"}' for number in range(40)]
    (source / "comments.csv").write_text("\n".join(["text,label", *lines]), encoding="utf-8-sig")
    card = bring_in(source, to)
    assert card.columns == ("text", "label")
    assert card.classes == ("no", "yes")
    texts = all_rows(to)[0].texts
    assert texts is not None
    assert texts[0].endswith(", quoted")


def test_class_folders_are_read_with_and_without_splits(source: Path, to: Path) -> None:
    for number in range(40):
        draw(source / ("cat", "dog")[number % 2] / f"{number}.jpg", number)
    assert bring_in(source, to).classes == ("cat", "dog")
    for name, count in (("train", 6), ("valid", 2), ("test", 4)):
        for number in range(count):
            draw(source / "split" / name / "cat" / f"{number}.jpg", number)
    assert main(["import", "splits", str(source / "split"), "--to", str(to)]) == 0
    assert catalog.load([to])["splits"].num_samples == {"train": 6, "validation": 2, "test": 4}


def test_each_kind_of_bad_row_is_counted_under_its_reason(source: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = good_rows(source)
    draw(source / "whole.jpg")
    cut(source / "cut.jpg")
    (source / "empty.jpg").write_bytes(b"")
    (source / "note.jpg").write_text("no picture")
    draw(source.parent / "secret.png")
    (source / "link.png").symlink_to(source.parent / "secret.png")
    (source / "inside.png").symlink_to(source / "whole.jpg")
    Image.new("1", (6000, 6000)).save(source / "huge.png")
    bad = ["gone.jpg", "cut.jpg", "empty.jpg", "note.jpg", "link.png", "inside.png", "huge.png", "../secret.png", "/etc/passwd", ""]
    write_table(source, rows + [{"file_name": name, "text": "x", "label": "a"} for name in bad])
    with (source / "metadata.jsonl").open("ab") as file:
        file.write(b'{"file_name": "whole.jpg", "text": "caf\xe9", "label": "a"}\n{"file_name": \n')
        file.write(b'{"file_name": "whole.jpg", "text": "  ", "label": "a"}\n{"file_name": "whole.jpg", "text": "x"}\n')
    card = bring_in(source, to)
    assert card.skipped == {
        "the picture is missing": 2,
        "the picture is cut short or damaged": 1,
        "the picture is empty": 1,
        "the file is no picture": 1,
        "the picture is a link": 2,
        "the picture is too large": 1,
        "the picture lies outside the folder": 2,
        "the text is not UTF-8": 1,
        "the text is empty": 1,
        "the line is no JSON": 1,
        "the label is missing": 1,
    }
    assert sum(card.num_samples.values()) == 30
    printed = capsys.readouterr().out
    assert "left out: 2 x the picture is missing (gone.jpg" in printed
    assert "22 train, 4 validation, 4 test" in printed


def test_labels_outside_the_given_classes_are_left_out_and_counted(source: Path, to: Path) -> None:
    write_table(source, [*good_rows(source), {"file_name": "images/0.png", "text": "x", "label": "angry"}])
    card = bring_in(source, to, "--classes", "b,a")
    assert card.classes == ("b", "a")
    assert card.skipped == {"the label 'angry' is none of the classes": 1}


def test_an_import_with_nothing_left_is_refused_and_leaves_nothing(source: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(source, [{"file_name": f"{number}.jpg", "label": "a"} for number in range(5)])
    assert main(["import", "mine", str(source), "--to", str(to)]) == 2
    assert "nothing is left" in (said := capsys.readouterr().err)
    assert "5 x the picture is missing (0.jpg, 1.jpg, 2.jpg, ...)" in said
    assert not to.exists()


def test_too_few_rows_for_three_splits_are_refused(source: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(source, good_rows(source, 2))
    assert main(["import", "mine", str(source), "--to", str(to)]) == 2
    assert "only 2 rows are left" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Mine", "../up", "a b", "", "x" * 65, "composed-pairs"])
def test_a_name_that_cannot_be_used_is_refused(name: str, source: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(source, good_rows(source))
    assert main(["import", name, str(source), "--to", str(to)]) == 2
    assert "name:" in capsys.readouterr().err


def test_a_data_set_is_not_overwritten(source: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(source, good_rows(source))
    before = bring_in(source, to)
    assert main(["import", "mine", str(source), "--to", str(to)]) == 2
    assert "already a data set 'mine'" in capsys.readouterr().err
    assert catalog.load([to])["mine"] == before


@pytest.mark.parametrize("content", [{}, {"a.csv": "text\nx", "b.csv": "text\ny"}, {"metadata.jsonl": '{"title": "x"}\n'}])
def test_a_folder_that_is_no_data_set_is_refused(content: dict[str, str], source: Path, to: Path) -> None:
    for name, text in content.items():
        (source / name).write_text(text)
    assert main(["import", "mine", str(source), "--to", str(to)]) == 2
    assert main(["import", "mine", str(source / "gone"), "--to", str(to)]) == 2


def test_pictures_larger_than_any_encoder_takes_are_made_smaller(source: Path, to: Path) -> None:
    for number in range(10):
        draw(source / "a" / f"{number}.jpg", number, size=(1100, 600))
    bring_in(source, to)
    data = all_rows(to)[0].image(0)
    assert min(Image.open(io.BytesIO(data)).size) == 512


def test_what_the_datasets_library_reads_is_taken_too(source: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write_table(source, good_rows(source))
    bring_in(source, to)
    assert main(["import", "again", str(to / "mine"), "--to", str(to), "--format", "datasets"]) == 0
    card = catalog.load([to])["again"]
    assert card.num_samples == catalog.load([to])["mine"].num_samples
    assert card.columns == ("image", "text", "label")


# --- MVSA ---------------------------------------------------------------------------------------------------------------------------


def write_mvsa(root: Path, lines: list[str], *, header: str = "ID\ttext,image") -> Path:
    folder = root / "MVSA_Single"
    for number in range(1, len(lines) + 1):
        draw(folder / "data" / f"{number}.jpg", number)
        (folder / "data" / f"{number}.txt").write_text(f"RT @one: tweet {number} http://t.co/x\n")
    (folder / "labelResultAll.txt").write_text("\n".join([header, *(f"{number}\t{line}" for number, line in enumerate(lines, 1))]) + "\n")
    return folder


def single_lines(count: int = 60) -> list[str]:
    return [("positive,positive", "neutral,negative", "neutral,neutral")[number % 3] for number in range(count)]


def test_mvsa_is_found_below_the_folder_and_split_by_class(source: Path, to: Path) -> None:
    write_mvsa(source, single_lines())
    card = bring_in(source, to)
    assert card.classes == CLASSES
    assert card.num_samples == {"train": 48, "validation": 6, "test": 6}
    assert "8:1:1" in card.description
    texts = all_rows(to)[0].texts
    assert texts is not None
    assert texts[0].startswith("RT @one: tweet")


@pytest.mark.parametrize(
    ("text", "image", "label"),
    [
        ("positive", "positive", "positive"),
        ("neutral", "positive", "positive"),
        ("negative", "neutral", "negative"),
        ("neutral", "neutral", "neutral"),
        ("positive", "negative", None),
        ("negative", "positive", None),
    ],
)
def test_the_label_of_a_pair_follows_the_published_rule(text: str, image: str, label: str | None) -> None:
    if label is None:
        with pytest.raises(Refused, match="opposite"):
            merge(text, image)
    else:
        assert merge(text, image) == label


@pytest.mark.parametrize(
    ("labels", "label"),
    [(["neutral"], "neutral"), (["positive", "negative", "positive"], "positive"), (["positive", "negative", "neutral"], None)],
)
def test_two_of_three_annotators_must_agree(labels: list[str], label: str | None) -> None:
    if label is None:
        with pytest.raises(Refused, match="disagree"):
            majority(labels)
    else:
        assert majority(labels) == label


@pytest.mark.parametrize("fields", [[], ["positive"], ["positive,happy"], ["positive,positive"] * 2, ["positive,positive,positive"]])
def test_a_line_that_is_no_label_line_is_refused(fields: list[str]) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        by_modality(fields)


def test_mvsa_multiple_takes_the_majority_per_modality(source: Path, to: Path) -> None:
    agreed, torn = "positive,neutral\tneutral,positive  positive,positive", "positive,neutral\tneutral,neutral\tnegative,neutral"
    opposite = "positive,negative\tpositive,negative\tneutral,neutral"
    write_mvsa(source, [agreed] * 10 + [torn] * 2 + [opposite], header="ID\ttext,image\ttext,image\ttext,image")
    card = bring_in(source, to)
    assert sum(card.num_samples.values()) == 10
    assert card.skipped == {"the annotators disagree": 2, "text and image have opposite labels": 1}
    labels = all_rows(to)[0].labels
    assert labels is not None
    assert set(labels.tolist()) == {CLASSES.index("positive")}


def test_consistent_pairs_alone_can_be_taken(source: Path, to: Path) -> None:
    write_mvsa(source, single_lines())
    card = bring_in(source, to, "--consistent-only")
    assert card.skipped == {"text and image have different labels": 20}
    assert "equal labels only" in card.description


def test_a_given_split_is_kept_by_id(source: Path, to: Path, tmp_path: Path) -> None:
    write_mvsa(source, single_lines())
    files = []
    for name, ids in (("train", range(1, 31)), ("dev", range(31, 41)), ("test", range(41, 59))):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps([{"id": str(number), "emotion_label": 0} for number in ids]))
    card = bring_in(source, to, *(word for file in files for word in ("--split-file", str(file))))
    assert card.num_samples == {"train": 30, "validation": 10, "test": 18}
    assert card.skipped == {"the pair is in no split file": 2}
    texts = all_rows(to)[1].texts
    assert texts is not None
    assert [int(text.split()[3]) for text in texts] == list(range(31, 41))


def test_broken_pairs_of_mvsa_are_counted(source: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_mvsa(source, single_lines())
    (folder / "data" / "1.jpg").write_bytes(b"")
    cut(folder / "data" / "2.jpg")
    (folder / "data" / "4.txt").unlink()
    (folder / "data" / "5.txt").write_bytes("caf\xe9 \x93au lait\x94".encode("latin-1"))
    card = bring_in(source, to)
    assert card.skipped == {"the text is missing": 1, "the picture is empty": 1, "the picture is cut short or damaged": 1}
    assert "1 texts were not UTF-8 and were read as Latin-1" in capsys.readouterr().out


def test_options_of_mvsa_are_refused_elsewhere(source: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(source, good_rows(source))
    assert main(["import", "mine", str(source), "--to", str(to), "--consistent-only"]) == 2
    assert "MVSA alone" in capsys.readouterr().err


# --- texts --------------------------------------------------------------------------------------------------------------------------


def write_lines(source: Path, rows: list[dict[str, object]], name: str = "rows.jsonl") -> None:
    (source / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def all_strings(to: Path) -> list[tuple[str, ...]]:
    return sorted(row for rows in all_rows(to) for row in zip(*rows.strings.values(), strict=True))


LANGUAGE_ROWS: dict[str, list[dict[str, object]]] = {
    "text": [{"text": f"line {number}\n    indented"} for number in range(20)],
    "triples": [{"head": f"h{number}", "relation": "is", "tail": "t"} for number in range(20)],
    "instructions": [{"instruction": f"Do {number}", "output": "done"} for number in range(20)],
    "equations": [{"problem": f"{number} + 1", "solution": str(number + 1)} for number in range(20)],
}


@pytest.mark.parametrize("kind", LANGUAGE_ROWS)
def test_the_fields_of_jsonl_decide_what_it_is(kind: str, source: Path, to: Path) -> None:
    write_lines(source, LANGUAGE_ROWS[kind])
    card = bring_in(source, to, "--format", "jsonl")
    assert card.kind == kind
    assert card.columns == catalog.KINDS[kind]
    assert card.num_samples == {"train": 16, "validation": 2, "test": 2}
    assert all_strings(to) == sorted(tuple(str(row.get(column, "")) for column in card.columns) for row in LANGUAGE_ROWS[kind])


def test_files_named_after_splits_are_kept_as_such(source: Path, to: Path) -> None:
    for name, count in (("train", 7), ("dev", 3), ("test", 2)):
        write_lines(source, [{"text": f"{name} {number}"} for number in range(count)], f"{name}.jsonl")
    assert bring_in(source, to, "--format", "jsonl").num_samples == {"train": 7, "validation": 3, "test": 2}


def test_bad_lines_of_jsonl_are_counted_under_their_reasons(source: Path, to: Path) -> None:
    bad: list[dict[str, object]] = [{"head": "a", "relation": "is"}, {"head": " ", "relation": "is", "tail": "x"}]
    bad.append({"head": "a", "relation": 3, "tail": "x"})
    write_lines(source, LANGUAGE_ROWS["triples"] + bad)
    with (source / "rows.jsonl").open("ab") as file:
        file.write(b'{"head": "caf\xe9", "relation": "is", "tail": "x"}\n{"head"\n')
    card = bring_in(source, to, "--format", "jsonl")
    assert card.skipped == {
        "the tail is missing": 1,
        "the head is empty": 1,
        "the relation is no text": 1,
        "the head is not UTF-8": 1,
        "the line is no JSON": 1,
    }


def test_jsonl_that_no_language_model_reads_is_refused(source: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "mine", str(source), "--to", str(to), "--format", "jsonl"]) == 2
    write_lines(source, [{"title": "x"}])
    assert main(["import", "mine", str(source), "--to", str(to), "--format", "jsonl"]) == 2
    said = capsys.readouterr().err
    assert "there is no JSONL file" in said
    assert "text; or head, relation, tail; or instruction, output; or problem, solution" in said


def test_python_files_become_texts_as_they_stand_and_the_others_are_counted(source: Path, to: Path) -> None:
    (source / "deep" / "__pycache__").mkdir(parents=True)
    for number in range(12):
        (source / "deep" / f"m{number}.py").write_text(f"def f():\n    return {number}\n")
    (source / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n")
    (source / "undecodable.py").write_bytes(b"name = 'caf\xe9'\n")
    (source / "old.py").write_text("print 'hello'\n")
    (source / "null.py").write_bytes(b"x = 1\0\n")
    (source / "empty.py").write_text("\n")
    (source / "again.py").write_text("def f():\n    return 3\n")
    (source / "link.py").symlink_to(source / "old.py")
    (source / "deep" / "__pycache__" / "x.py").write_text("x = 1\n")
    (source / "notes.txt").write_text("no code")
    card = bring_in(source, to, "--format", "code")
    assert card.kind == "text"
    assert card.skipped == {
        "the file cannot be decoded": 1,
        "the file is no Python": 2,
        "the file is empty": 1,
        "the same file was there before": 1,
        "the file is a link": 1,
    }
    expected = [f"def f():\n    return {number}\n" for number in range(12)] + ["# -*- coding: latin-1 -*-\nname = 'café'\n"]
    assert all_strings(to) == sorted((text,) for text in expected)


def test_a_folder_without_python_is_refused(source: Path, to: Path) -> None:
    assert main(["import", "mine", str(source), "--to", str(to), "--format", "code"]) == 2


def test_equations_are_made_up_from_a_seed(to: Path) -> None:
    assert main(["import", "mine", "--to", str(to), "--format", "equations", "--count", "50", "--seed", "7"]) == 0
    card = catalog.load([to])["mine"]
    assert card.kind == "equations"
    assert card.num_samples == {"train": 40, "validation": 5, "test": 5}
    assert all_strings(to) == sorted(generate(50, 7))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "equations"], "--count: say how many"),
        (["--format", "equations", "--count", "0"], "--count: say how many"),
        (["--format", "code"], "source: name the folder"),
        (["SOURCE", "--format", "equations", "--count", "9"], "there is no folder to read"),
        (["SOURCE", "--format", "code", "--count", "9"], "--count has an effect on equations alone"),
        (["SOURCE", "--format", "code", "--classes", "a,b"], "--classes has no effect on code"),
        (["SOURCE", "--format", "code", "--consistent-only"], "have an effect on MVSA alone"),
        (["SOURCE", "--format", "code", "--origin", "human"], "--origin has an effect on instructions alone"),
    ],
)
def test_an_option_without_effect_is_refused(
    options: list[str], said: str, source: Path, to: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "one.py").write_text("x = 1\n")
    given = [str(source) if word == "SOURCE" else word for word in options]
    assert main(["import", "mine", *given, "--to", str(to)]) == 2
    assert said in capsys.readouterr().err


def test_the_origin_of_instructions_goes_into_the_card(source: Path, to: Path) -> None:
    write_lines(source, LANGUAGE_ROWS["instructions"])
    assert bring_in(source, to, "--format", "jsonl", "--origin", "human").origin == "human"


@pytest.mark.parametrize("kind", LANGUAGE_ROWS)
def test_the_datasets_library_reads_what_language_models_learn_from(
    kind: str, source: Path, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write_lines(source, LANGUAGE_ROWS[kind])
    assert bring_in(source, to, "--format", "datasets").kind == kind
    assert all_strings(to) == sorted(tuple(str(row.get(column, "")) for column in catalog.KINDS[kind]) for row in LANGUAGE_ROWS[kind])


# --- splitting ----------------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    entries = [Entry(str(number), label="ab"[number % 2]) for number in range(200)]
    assert split(entries, 1) == split(entries, 1)
    assert split(entries, 1) != split(entries, 2)


def test_a_rare_label_is_in_every_split() -> None:
    entries = [Entry(str(number), label="rare" if number < 3 else "common") for number in range(100)]
    assert {entry.split for entry in split(entries, 0) if entry.label == "rare"} == set(SPLITS)


def test_a_missing_validation_split_comes_out_of_train_alone() -> None:
    entries = [Entry(str(number), label="a", split="test" if number < 20 else "train") for number in range(100)]
    counts = Counter(entry.split for entry in split(entries, 0))
    assert counts == {"train": 72, "validation": 8, "test": 20}
