"""Many inputs at once: each has its answer or its reason, in the order of the table; nothing hostile ends the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import StreamingHttpResponse
from django.test import Client

from dashboard.playground import batches
from dashboard.runs.models import Run
from tests.playground.conftest import Ignorant
from tests.playground.hostile import encode, everything
from tests.playground.test_archives import named, zipped

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/playground/batches"
PNG = encode("PNG")


def lines_of(response: StreamingHttpResponse) -> list[dict[str, Any]]:
    async def collect() -> bytes:
        return b"".join([part async for part in response])

    assert response.status_code == 200, response.content
    return [json.loads(line) for line in async_to_sync(collect)().splitlines()]


def send(client: Client, run: Run, **files: bytes) -> Any:
    uploads = [SimpleUploadedFile(name.replace("_", ".", 1), data) for name, data in files.items()]
    return client.post(ADDRESS, {"model": run.pk, "files": uploads})


def test_a_table_names_pictures_and_sentences(alice: Client, run: Run, model: Ignorant) -> None:
    table = b'\xef\xbb\xbftext,File\nWhat a day,a.png\n,a.png\nSo sad,gone.png\n"Two\nlines, and a comma",a.png\n'
    head, *lines = lines_of(send(alice, run, a_png=PNG, t_csv=table))
    assert head == {"count": 4}
    assert [(line["name"], line.get("class"), line.get("error", "")[:20]) for line in lines] == [
        ("a.png", "positive", ""),
        ("a.png", None, "Write a sentence: th"),
        ("gone.png", None, "There is no picture "),
        ("a.png", "positive", ""),
    ]
    assert lines[3]["text"] == "Two\nlines, and a comma"


def test_an_archive_has_both(alice: Client, run: Run, model: Ignorant) -> None:
    archive = zipped(
        ("set/texts.csv", b"image,sentence\npictures/a.png,Fine\nb.png,Fine\n"), ("set/pictures/a.png", PNG), ("set/b.png", PNG)
    )
    head, *lines = lines_of(send(alice, run, set_zip=archive))
    assert head["count"] == 2
    assert [line["class"] for line in lines] == ["positive", "positive"]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Image appears to be a malformed MPO")
def test_a_hundred_hostile_pictures_are_each_answered_or_refused(alice: Client, run: Run, model: Ignorant) -> None:
    table = [entry for entry in everything() if len(entry.data) < 200_000][:150]
    assert len(table) > 100
    members = [(f"{number}.jpg", entry.data) for number, entry in enumerate(table)]
    rows = "file,text\n" + "".join(f"{name},What a day\n" for name, _ in members)
    head, *lines = lines_of(send(alice, run, a_zip=zipped(("t.csv", rows.encode()), *members)))
    assert head["count"] == len(table) == len(lines)
    wrong = {
        entry.name: line
        for entry, line in zip(table, lines, strict=True)
        if ("class" in line) != (entry.status == 200) or ("error" in line and not line["error"].strip())
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("files", "status", "word"),
    [
        ({"a_zip": b"no archive"}, 422, "not a ZIP"),
        ({"a_zip": named("../../a.png")}, 422, "leads out"),
        ({"t_csv": b"one,two\n1,2\n"}, 422, "column"),
        ({"t_csv": b"\xff\xfe\x00"}, 422, "UTF-8"),
        ({"t_csv": b'text\n"open'}, 422, "not CSV"),
        ({"t_csv": b""}, 422, "column"),
        ({"t_csv": b"text\n"}, 422, "nothing to ask"),
        ({"t_csv": b"text\n" + b"a\n" * (batches.MAX_ITEMS + 1)}, 413, "At most 500"),
        ({"t_csv": b"text\n" + b"a" * batches.MAX_CSV_BYTES}, 413, "table is too large"),
        ({"t_csv": b"text\n" + b"a" * 200_000}, 422, "not CSV"),
    ],
)
def test_what_cannot_be_read_as_a_whole_is_refused(
    alice: Client, run: Run, model: Ignorant, files: dict[str, bytes], status: int, word: str
) -> None:
    answer = send(alice, run, **files)
    assert answer.status_code == status
    assert word in answer.json()["detail"]


def test_two_pictures_of_one_name_are_not_guessed_at(alice: Client, run: Run, model: Ignorant) -> None:
    archive = zipped(("t.csv", b"file,text\na.png,Fine\nx/a.png,Fine\n"), ("x/a.png", PNG), ("y/a.png", PNG))
    _, first, second = lines_of(send(alice, run, set_zip=archive))
    assert first["error"] == "Several pictures have this name."
    assert second["class"] == "positive"
