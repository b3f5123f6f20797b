"""Models in a real browser: a stage is registered from its run's page, promoted past the gate, taken along, and deleted by name."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation
from tests.e2e.test_browser import page, pytestmark, sign_in
from tests.processes import ROOT

__all__ = ["page", "pytestmark", "sign_in"]

SEED = """
import django; django.setup()
from dashboard.accounts.models import Project, User
from tests.cast import Cast
from tests.registry.made import finished
print(finished(Cast(Project.objects.all()[0], *[User.objects.all()[0]] * 4), int8="failed").pk)
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation(tmp_path_factory.mktemp("anneal"))
    try:
        found.start(has_worker=False)
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def run(installation: Installation) -> str:
    command = [sys.executable, "-c", SEED]
    done = subprocess.run(command, cwd=ROOT, env=installation.environment, check=True, capture_output=True, text=True)
    return f"{installation.address}/runs/{done.stdout.split()[-1]}/"


def test_a_stage_becomes_a_version_in_production(page, run: str) -> None:
    register(page, run, "stages", "#stage-3", "sentiment")
    assert page.locator("h1").inner_text() == "sentiment"
    register(page, run, "quantization", ".twins", "sentiment")
    assert page.locator(".versions-table tbody tr").count() == 2

    page.select_option("#alias", "production")
    page.press("#reason", "Enter")
    assert "more than the 0.60 of the export gate" in page.locator("[role=alert]").inner_text()
    page.fill("#reason", "agreed with the customer")
    page.check("[name=override]")
    page.press("#reason", "Enter")
    page.locator(".trail >> text=Past the gate:").wait_for()
    assert page.locator("#aliases .chip").inner_text() == "production"

    with page.expect_download() as downloading:
        page.click("text=Download,")
    assert downloading.value.suggested_filename == "sentiment-v2.tar"
    assert hashlib.sha256(Path(downloading.value.path()).read_bytes()).hexdigest() == page.locator(".digest").inner_text()

    page.click(".versions-table >> text=v1")
    page.click("[data-dialog=delete-version]")
    assert page.evaluate("document.activeElement.id") == "delete-name"
    assert page.locator("[data-confirm]").is_disabled()
    page.keyboard.type("v1")
    page.keyboard.press("Enter")
    page.locator(".trail >> text=deleted v1").wait_for()
    assert page.locator(".versions-table tbody tr").count() == 1


def register(page, run: str, tab: str, place: str, name: str) -> None:
    """By the keyboard, from the button of the run's page."""
    page.goto(f"{run}{tab}/")
    page.focus(f'{place} a.button:has-text("Register")')
    page.keyboard.press("Enter")
    page.fill("#name", name)
    page.keyboard.press("Enter")
    page.locator(".trail").wait_for()


@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_of_models_scrolls_sideways(page, run: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    register(page, run, "stages", "#stage-1", "a-name-as-long-as-it-may-be-on-a-phone-of-390-pixels-0123456789a")
    address, base = page.url, run.rsplit("/runs/", 1)[0]
    for each in (address, f"{base}/models/", f"{run}stages/", f"{run}quantization/", f"{base}/models/register/?run=1"):
        page.goto(each)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, each
