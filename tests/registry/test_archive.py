"""The archive of a version: one tar file, the same bytes each time, whose digests hold, and which the trainer can use."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client

from dashboard.registry import archive, registering
from dashboard.registry.models import Version
from tests.cast import Cast
from tests.pages.test_playground import BACKEND
from tests.registry.made import change_a_byte, finished, registered

pytestmark = pytest.mark.django_db
TAR, SHA256SUM = (shutil.which(name) or name for name in ("tar", "sha256sum"))
ADDRESS = "/api/v1/models/sentiment/versions/1/archive"


@pytest.fixture
def version(cast: Cast) -> Version:
    return registered(cast, finished(cast, int8="passed"))


def downloaded(client: Client, address: str = ADDRESS) -> bytes:
    answer = client.get(address)
    assert answer.status_code == 200
    body = b"".join(answer.streaming_content)
    assert int(answer["Content-Length"]) == len(body)
    assert answer["X-Checksum-Sha256"] == hashlib.sha256(body).hexdigest()
    return body


def unpacked(body: bytes, to: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(body)) as found:
        found.extractall(to, filter="data")
    return to / "sentiment-v1"


def test_two_downloads_are_the_same_bytes_and_have_the_digest_that_is_shown(alice: Client, version: Version) -> None:
    body = downloaded(alice)
    assert downloaded(alice) == body
    assert hashlib.sha256(body).hexdigest() == version.digest


def test_the_usual_tools_unpack_and_check_it(alice: Client, version: Version, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(downloaded(alice))
    done = subprocess.run([TAR, "-xf", "a.tar"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "sentiment-v1"
    done = subprocess.run([SHA256SUM, "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    in_folder = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert set(version.files) | {"SHA256SUMS"} == in_folder


def test_readme_and_lineage_come_with_the_model(alice: Client, version: Version, tmp_path: Path) -> None:
    folder = unpacked(downloaded(alice), tmp_path)
    readme = (folder / "README.md").read_text()
    assert readme.startswith("# sentiment, version 1\n")
    assert "| test/accuracy | 0.7264 |" in readme
    assert 'python -m trainer predict model --image picture.jpg --text "a sentence"' in readme
    assert '"name": "steady-kestrel"' in (folder / "lineage.json").read_text()


def test_a_twin_comes_as_onnx_with_card_and_tokenizer(alice: Client, cast: Cast, version: Version, tmp_path: Path) -> None:
    registered(cast, version.run, "small", precision="int8")
    with tarfile.open(fileobj=io.BytesIO(downloaded(alice, "/api/v1/models/small/versions/1/archive"))) as found:
        names = [name.removeprefix("small-v1/") for name in found.getnames()]
    assert names == [
        "SHA256SUMS", "README.md", "lineage.json", "model/int8.onnx", "model/manifest.json", "model/model.json", "model/tokenizer.json",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["model/model.safetensors", "lineage.json", "README.md", "model/manifest.json"])
def test_one_changed_byte_is_refused_by_name_before_a_byte_is_sent(alice: Client, version: Version, name: str) -> None:
    change_a_byte(version.folder / name)
    answer = alice.get(ADDRESS)
    assert answer.status_code == 409
    assert f"{name} is not what was registered" in answer.json()["detail"]


def test_a_missing_file_is_refused_by_name(alice: Client, version: Version) -> None:
    (version.folder / "model" / "tokenizer.json").unlink()
    answer = alice.get(ADDRESS)
    assert answer.status_code == 409
    assert "model/tokenizer.json is missing" in answer.json()["detail"]


def test_a_file_that_grows_while_it_is_sent_does_not_shift_what_follows(version: Version) -> None:
    found = registering.checked_archive(version)
    with (version.folder / "README.md").open("a") as file:
        file.write("more")
    assert found.measured()[1] == version.archive_bytes


def test_a_file_that_shrinks_while_it_is_sent_breaks_the_download_off(version: Version) -> None:
    found = registering.checked_archive(version)
    (version.folder / "README.md").write_text("less")
    with pytest.raises(OSError, match=r"README\.md is shorter"):
        found.measured()


def test_it_is_read_in_pieces(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "PIECE", 64)
    found = registering.checked_archive(version)
    assert found.measured() == (version.digest, version.archive_bytes)
    largest = max(len(piece) for piece in found.pieces())
    assert largest <= 4 * archive.BLOCK


@pytest.mark.django_db(transaction=True)
async def test_the_server_that_people_use_streams_the_same(version: Version, cast: Cast) -> None:
    client = AsyncClient()
    await client.aforce_login(cast.bob, backend=BACKEND)
    answer = await client.get(ADDRESS)
    body = b"".join([piece async for piece in answer.streaming_content])
    assert hashlib.sha256(body).hexdigest() == version.digest
    await sync_to_async(connections.close_all)()


def test_viewers_download_and_strangers_do_not(client: Client, cast: Cast, version: Version) -> None:
    client.force_login(cast.bob, backend=BACKEND)
    assert downloaded(client)
    client.force_login(cast.charlie, backend=BACKEND)
    assert client.get(ADDRESS).status_code == 404
