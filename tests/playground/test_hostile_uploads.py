"""Whatever is handed in has a right answer or a clear refusal: never a 500, never a bomb that goes off."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client

from dashboard.playground.models import Probe
from dashboard.runs.models import Run
from tests.playground.conftest import Ignorant
from tests.playground.hostile import PICTURE, Hostile, encode, everything
from trainer import serve
from trainer.data.pictures import flatten, flattened, normalise

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/playground/predictions"
REFUSALS = (413, 422)
# JPEG's losses and rounding, of pixels that are normalised to a deviation of 1.
MAX_DIFFERENCE = 0.15
# 25 megapixels at four bytes each: once decoded and once flattened; the library of WebP holds two more of its own (measured: 406 MiB, of
# the other formats 213). 60 MiB are for strips and what the allocator keeps.
MAX_MEMORY_MIB = 4 * 4 * 25e6 / 2**20 + 60
# Pillow says what it found odd; where warnings are no errors that is a line in the log.
ODD = pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Image appears to be a malformed MPO")

TEXTS: dict[str, tuple[str, int]] = {
    "a sentence": ("What a day", 200),
    "one letter": ("a", 200),
    "emoji": ("😀👍🏽", 200),
    "a family of joined emoji": ("👨‍👩‍👧‍👦" * 20, 200),
    "flags": ("🇩🇪🇯🇵🏴󠁧󠁢󠁳󠁣󠁴󠁿", 200),
    "Chinese": ("今天天气真好", 200),
    "Arabic": ("يا له من يوم جميل", 200),
    "Hebrew": ("איזה יום יפה", 200),
    "turned round": ("good \u202e yad a tahW \u202c day", 200),
    "stacked accents": ("e" + "\u0301" * 500, 200),
    "nothing that can be seen": ("\u200b\u200d\ufeff", 200),
    "control characters": ("\x01\x02\x07\x1b[31mred\x7f", 200),
    "line breaks": ("\r\n\r\nday\r\n" * 50, 200),
    "no characters": ("\uffff\ufffe\U0010ffff", 200),
    "private use": ("\ue000\U000f0000", 200),
    "tags": ("\U000e0001\U000e0061", 200),
    "tokens of the model": ("[CLS] [SEP] [MASK] [PAD] [UNK]", 200),
    "markup": ("<script>alert(1)</script><img src=x onerror=alert(1)>", 200),
    "a query": ("'; DROP TABLE runs; --", 200),
    "formats": ("{0.__class__} %s %n ${7*7} {{7*7}}", 200),
    "a path": ("../../../../etc/passwd", 200),
    "JSON": ('{"text": null, "folder": "/"}', 200),
    "a line of its own": ('day\n{"id": 1, "folder": "/"}\n', 200),
    "one word of 10,000": ("x" * 10_000, 200),
    "10,000 emoji": ("😀" * 10_000, 200),
    "10,001 letters": ("x" * 10_001, 413),
    "100,000 letters": ("x" * 100_000, 413),
    "100,000 spaces": (" " * 100_000, 413),
    "100,000 emoji": ("😀" * 100_000, 413),
    "nothing": ("", 422),
    "spaces": (" \t\r\n\u00a0\u3000", 422),
    "NUL": ("\0", 422),
    "NUL in the middle": ("good\0day", 422),
}


@pytest.fixture(scope="module")
def table() -> list[Hostile]:
    return everything()


def send(client: Client, run: Run, data: bytes, text: str = "What a day") -> HttpResponse:
    """The name and the type that the browser claims are always those of a JPEG."""
    return client.post(ADDRESS, {"model": run.pk, "text": text, "image": SimpleUploadedFile("holiday.jpg", data, "image/jpeg")})


def wrongly_answered(answer: HttpResponse, status: int) -> str:
    told = answer.json()
    if answer.status_code != status:
        return f"{answer.status_code} instead of {status}: {told.get('detail', told)}"
    if status in REFUSALS and not (told["detail"].strip() and "/" not in told["detail"] and len(told["detail"]) < 200):
        return f"refused without a clear sentence: {told['detail']}"
    return "" if status in REFUSALS or told["class"] == "positive" else "answered wrongly"


@ODD
def test_every_picture_has_the_right_answer_and_none_a_500(alice: Client, run: Run, model: Ignorant, table: list[Hostile]) -> None:
    assert len(table) >= 100
    wrong = {entry.name: said for entry in table if (said := wrongly_answered(send(alice, run, entry.data), entry.status))}
    assert wrong == {}


async def whole(answer: StreamingHttpResponse) -> bytes:
    """To its end, as a reader takes it: closing it early would close the test's own connection to the database."""
    return b"".join([piece async for piece in answer])


@ODD
@pytest.mark.parametrize("what", ["explanations", "changes", "probes"])
def test_what_else_takes_a_picture_judges_it_the_same(what: str, alice: Client, run: Run, model: Ignorant, table: list[Hostile]) -> None:
    """A stream begins before its pictures are looked at by a model: what is damaged is said in its lines."""
    wrong = {}
    for entry in table:
        upload = SimpleUploadedFile("holiday.jpg", entry.data, "image/jpeg")
        answer = alice.post(f"/api/v1/playground/{what}", {"model": run.pk, "run": run.pk, "text": "What a day", "image": upload})
        Probe.objects.all().delete()
        right = {200, 201} if entry.status == 200 or what == "changes" else {entry.status}
        if answer.status_code not in right | {entry.status}:
            wrong[entry.name] = answer.status_code
        if answer.streaming:
            async_to_sync(whole)(answer)
    assert wrong == {}


@ODD
def test_pictures_of_unusual_kinds_are_seen_as_they_are_meant(alice: Client, run: Run, model: Ignorant, table: list[Hostile]) -> None:
    """Turned, animated, in other colours or with junk behind: the network sees the same four corners."""
    meant, wrong = normalise(np.asarray(PICTURE, np.uint8).transpose(2, 0, 1)), {}
    shown = [entry for entry in table if entry.shows]
    assert len(shown) > 30
    for entry in shown:
        send(alice, run, entry.data)
        difference = float(np.abs(model.shown["picture"][0] - meant).mean())
        if difference > MAX_DIFFERENCE:
            wrong[entry.name] = difference
    assert wrong == {}


def test_every_text_has_the_right_answer_and_none_a_500(alice: Client, run: Run, model: Ignorant) -> None:
    wrong = {
        name: said for name, (text, status) in TEXTS.items() if (said := wrongly_answered(send(alice, run, encode("PNG"), text), status))
    }
    assert wrong == {}


@pytest.mark.parametrize("text", [b"\xed\xa0\x80", b"\xff\xfe", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf"])
def test_bytes_that_are_no_utf8_are_read_as_replacement_characters(text: bytes, alice: Client, run: Run, model: Ignorant) -> None:
    parts = {b'"model"': str(run.pk).encode(), b'"text"': b"day " + text, b'"image"; filename="a.jpg"': encode("PNG")}
    body = b"".join(b"--X\r\nContent-Disposition: form-data; name=" + name + b"\r\n\r\n" + data + b"\r\n" for name, data in parts.items())
    answer = alice.post(ADDRESS, body + b"--X--\r\n", content_type="multipart/form-data; boundary=X")
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("text", ["\ud800", "day \udfff", "\ud83d and \ude00"])
def test_half_a_character_is_refused_by_the_trainer_in_a_sentence(text: str, model: Ignorant) -> None:
    image = base64.b64encode(encode("PNG")).decode()
    told = serve.reply(json.dumps({"id": "1", "folder": "any", "image_base64": image, "text": text}), lambda _: None, set())
    assert (told["kind"], told["error"]) == ("bad_input", "The text contains half of a character: it was cut or is no Unicode.")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
def test_memory_stays_bounded_whatever_is_decoded(table: list[Hostile], tmp_path: Path) -> None:
    """A child process judges and decodes all of it, one after the other; flattened whole, 25 megapixels took 570 MiB."""
    for number, entry in enumerate(table):
        (tmp_path / f"{number:03}").write_bytes(entry.data)
    command = [sys.executable, "-W", "ignore", "-m", "tests.playground.decoding", str(tmp_path)]
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "0"}
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True)
    assert 20 < float(done.stdout) < MAX_MEMORY_MIB


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16", "I"])
def test_a_picture_that_is_flattened_in_strips_is_the_one_flattened_whole(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.pictures.STRIP_PIXELS", 5 * PICTURE.width)
    given = PICTURE.convert("L").convert(mode) if mode.startswith("I") else PICTURE.convert(mode)
    assert flatten(given).tobytes() == flattened(given).tobytes()
    if mode in {"RGB", "P", "L"}:
        given.info["transparency"] = (220, 30, 30) if mode == "RGB" else 3
        assert flatten(given).tobytes() == flattened(given).tobytes()
