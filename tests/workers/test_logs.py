"""What a trainer prints becomes fit for a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers import logs
from workers.logs import THE_REST, last_words, read_log


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"plain\n", "plain\n"),
        (b"\x1b[31mred\x1b[0m \x1b]0;title\x07text\n", "red text\n"),
        (b"no\x00thing \x07rings\n", "nothing rings\n"),
        (b"10 %\r50 %\r100 %\n", "100 %\n"),
        (b"from windows\r\n", "from windows\n"),
        (b"tab\tstays\n", "tab\tstays\n"),
        ("Bär 熊\n".encode(), "Bär 熊\n"),
        (b"\xff\xfe\n", "��\n"),
    ],
)
def test_escapes_and_control_characters_go(tmp_path: Path, printed: bytes, shown: str) -> None:
    (tmp_path / "log.txt").write_bytes(printed)
    assert read_log(tmp_path / "log.txt", 0) == (shown, len(printed))


def test_an_unfinished_line_waits_for_its_end(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"whole\nhal")
    assert read_log(tmp_path / "log.txt", 0) == ("whole\n", 6)
    assert read_log(tmp_path / "log.txt", 6) == ("", 6)
    assert read_log(tmp_path / "log.txt", 6, ended=True) == ("hal", 9)


def test_a_long_line_is_cut_and_says_how_long_it_was(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("x" * 5_000 + "\n")
    assert read_log(tmp_path / "log.txt", 0)[0] == "x" * logs.MAX_LINE + "... (5000 characters)\n"


def test_a_line_without_an_end_does_not_stop_the_log(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"x" * (logs.MAX_BYTES + 10))
    assert read_log(tmp_path / "log.txt", 0)[1] == logs.MAX_BYTES


def test_an_endless_log_is_cut_off_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_LOG", 100)
    (tmp_path / "log.txt").write_text("line\n" * 50)
    text, offset = read_log(tmp_path / "log.txt", 0)
    assert text.endswith(THE_REST)
    assert read_log(tmp_path / "log.txt", offset) == ("", offset)


def test_the_last_words_are_the_last_lines_that_say_something(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("one\ntwo\n\n  \nthree")
    assert last_words(tmp_path / "log.txt", 2) == "two\nthree"
    assert last_words(tmp_path / "missing") == ""
