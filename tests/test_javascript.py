"""Runs the tests of the page's modules that need no browser, where Node is there; users of the product need none."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("path", sorted((ROOT / "js").glob("*.test.mjs")), ids=lambda path: path.name)
def test_modules_of_the_pages(path: Path) -> None:
    assert NODE
    done = subprocess.run([NODE, "--test", str(path)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
