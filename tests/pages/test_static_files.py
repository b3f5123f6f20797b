"""Scripts, styles and fonts: kept by the browser for good, under an address that changes when one of them does."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.test import Client

from dashboard.digest import digest_of


def test_the_digest_changes_with_a_name_or_a_content_and_not_with_time(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    script = tmp_path / "js" / "run.js"
    script.write_text("one")
    first = digest_of(tmp_path)
    script.write_text("one")
    assert digest_of(tmp_path) == first
    script.write_text("two")
    second = digest_of(tmp_path)
    script.rename(tmp_path / "js" / "other.js")
    assert len({first, second, digest_of(tmp_path)}) == 3


def test_a_page_names_its_files_with_the_digest_and_they_may_be_kept(alice: Client) -> None:
    page = alice.get("/runs/").content.decode()
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert addresses
    assert all(address.startswith(settings.STATIC_URL) for address in addresses)
    answer = alice.get(min(address for address in addresses if address.endswith(".js")))
    assert answer.status_code == 200
    assert int(re.findall(r"max-age=(\d+)", answer.headers["Cache-Control"])[0]) > 30_000_000
