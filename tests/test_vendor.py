"""The vendored front-end libraries: unchanged since scripts/vendor.py wrote them, complete, and of the versions that package.json names."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "dashboard" / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
TEXTS = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("dashboard/static/css/*.css"), *ROOT.glob("dashboard/static/js/**/*.js")]


def test_every_vendored_file_is_as_it_was_copied() -> None:
    assert {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in MANIFEST} == MANIFEST


def test_nothing_lies_beside_the_manifest() -> None:
    files = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert files == {*MANIFEST, "manifest.json"}


def test_every_library_brings_its_licence() -> None:
    libraries = {name.partition("/")[0] for name in MANIFEST}
    assert {name.partition("/")[0] for name in MANIFEST if name.endswith("/LICENSE")} == libraries


def test_folders_carry_the_versions_of_the_lock_and_the_lock_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    for package, version in wanted.items():
        entry = lock["packages"][f"node_modules/{package}"]
        assert entry["version"] == version
        assert entry["integrity"].startswith("sha512-")
        assert "resolved" not in entry
        assert any(name.partition("/")[0].endswith(f"-{version}") for name in MANIFEST)


def test_pages_name_only_files_that_are_there() -> None:
    named = {name for path in TEXTS for name in re.findall(r"vendor/([\w.-]+/[\w.-]+\.\w+)", path.read_text())}
    assert named
    assert named <= set(MANIFEST)


def test_every_icon_that_a_template_asks_for_is_in_the_sprite() -> None:
    sprite = next(VENDOR.glob("lucide-*/sprite.svg")).read_text()
    there = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    asked = {name for path in TEXTS for name in re.findall(r'{% icon "([\w-]+)"', path.read_text())}
    assert asked <= there


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_inline() -> None:
    for path in TEXTS:
        text = path.read_text()
        assert not re.search(r"""(src|href)=["']https?://""", text), path
        assert not re.search(r"<style|\sstyle=|\son\w+=", text) or path.suffix == ".js", path
