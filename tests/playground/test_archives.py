"""An archive from a stranger: it leads nowhere, fills nothing, and is never written to disk."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable

import pytest

from dashboard.playground.archives import MAX_MEMBERS, files, open_archive, read
from trainer.data.uploads import MAX_BYTES, TooLarge


def zipped(*members: tuple[str, bytes], compress: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compress) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return target.getvalue()


def opened(data: bytes) -> zipfile.ZipFile:
    return open_archive(io.BytesIO(data), len(data))


def named(name: str) -> bytes:
    return zipped((name, b"x"))


def link() -> bytes:
    target, info = io.BytesIO(), zipfile.ZipInfo("holiday.jpg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return target.getvalue()


def encrypted() -> bytes:
    data = bytearray(named("a.jpg"))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def of_many_files() -> bytes:
    return zipped(*((f"{number}.jpg", b"") for number in range(MAX_MEMBERS + 1)))


def claims(num_members: int, num_bytes: int) -> bytes:
    return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, num_members, num_members, num_bytes, 0, 0)


def twice() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped(("a.jpg", b"1"), ("a.jpg", b"2"))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: named("../../etc/passwd"), "leads out"),
        (lambda: named("/etc/passwd"), "leads out"),
        (lambda: named("a/../../b.jpg"), "leads out"),
        (lambda: named("..\\..\\windows"), "leads out"),
        (lambda: named("C:\\windows\\a.jpg"), "leads out"),
        (link, "a link"),
        (encrypted, "encrypted"),
        (twice, "twice"),
        (of_many_files, "too many files"),
        (lambda: claims(0xFFFF, 2**32 - 1), "too many files"),
        (lambda: claims(3, 100), "not a ZIP"),
        (lambda: b"", "not a ZIP"),
        (lambda: b"PK", "not a ZIP"),
        (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "not a ZIP"),
        (lambda: named("a.jpg")[:-30], "not a ZIP"),
    ],
)
def test_an_archive_that_is_none_or_means_harm_is_refused_in_a_sentence(make: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        opened(make())
    assert len(str(refused.value)) < 200


def test_an_archive_that_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(TooLarge, match="too large"):
        open_archive(io.BytesIO(b""), 10**9)


def test_a_bomb_is_unpacked_no_further_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = opened(zipped(("bomb.jpg", bytes(200 * 2**20))))
    taken: list[int] = []
    before = zipfile.ZipExtFile.read

    def counting(self: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        found = before(self, n)
        taken.append(len(found))
        return found

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counting)
    with pytest.raises(TooLarge, match="too large"):
        read(archive, archive.infolist()[0])
    assert sum(taken) == MAX_BYTES + 1


def test_a_file_that_claims_to_be_small_is_judged_by_what_comes_out() -> None:
    data = bytearray(zipped(("a.jpg", bytes(1000))))
    place = data.index(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)
    archive = opened(bytes(data))
    with pytest.raises(ValueError, match="damaged"):
        read(archive, archive.infolist()[0])


def test_a_damaged_file_is_refused_and_the_others_are_read() -> None:
    data = bytearray(zipped(("a.jpg", b"good" * 100), ("b.jpg", b"fine"), compress=zipfile.ZIP_STORED))
    data[data.index(b"good") + 5] ^= 255
    archive = opened(bytes(data))
    first, second = files(archive)
    with pytest.raises(ValueError, match="damaged"):
        read(archive, first)
    assert read(archive, second) == b"fine"


def test_notes_of_a_system_and_folders_are_no_files() -> None:
    archive = opened(zipped(("a/", b""), ("a/b.jpg", b"x"), ("__MACOSX/._b.jpg", b"x"), (".DS_Store", b"x")))
    assert [member.filename for member in files(archive)] == ["a/b.jpg"]
