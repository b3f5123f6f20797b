"""A person with a real browser: signs in, starts a run by the form, watches it through an outage, stops it, and predicts."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation
from tests.processes import wait_for

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]
PICTURE = Path(__file__).resolve().parents[2] / "dashboard" / "static" / "examples"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: the browser tests did not run")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation(tmp_path_factory.mktemp("anneal"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture
def page(installation: Installation):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        sign_in(page, installation)
        yield page
        assert complaints == []
        browser.close()


def sign_in(page, installation: Installation) -> None:
    page.goto(f"{installation.address}/runs/")
    page.fill("#id_username", installation.username)
    page.fill("#id_password", installation.password)
    page.click("form button.main")
    page.wait_for_url("**/runs/")


def start_run(page, installation: Installation, name: str, steps: int) -> int:
    """Fills the form from the tiny recipe; returns the run's id."""
    page.goto(f"{installation.address}/runs/new/?recipe=sentiment-tiny")
    page.fill('[name="name"]', name)
    page.fill('[name="stages.0.steps"]', str(steps))
    page.get_by_role("button", name="Start run").click()
    page.wait_for_url(re.compile(r"/runs/\d+/$"))
    return int(page.url.rstrip("/").rpartition("/")[2])


def num_drawn(page) -> int:
    """How many points the loss chart says it draws."""
    found = re.search(r"([\d,]+) points", page.locator("[data-hidden-points]").inner_text())
    return int(found[1].replace(",", "")) if found else 0


def ask(installation: Installation, token: str, path: str, body: bytes | None = None) -> dict:
    """GET, or POST where there is a body."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{installation.address}/api/v1{path}", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_a_run_is_watched_through_an_outage_and_stopped(page, installation: Installation) -> None:
    run_id = start_run(page, installation, "outage", steps=6000)
    wait_for(lambda: num_drawn(page) > 20)
    assert installation.web
    installation.web.kill()
    installation.web.wait()
    seen = num_drawn(page)
    time.sleep(5)
    installation.start_web()
    wait_for(lambda: num_drawn(page) > seen + 100)
    page.get_by_role("button", name="Stop and save").first.click()
    page.locator(".badge.stopped").first.wait_for(timeout=60_000)
    series = ask(installation, installation.token(), f"/runs/{run_id}/series?metric=train/loss&max_points=100000")
    assert series["step"] == list(range(1, series["num_points"] + 1))
    wait_for(lambda: num_drawn(page) == series["num_points"])


def test_a_finished_run_predicts_in_the_playground(page, installation: Installation) -> None:
    run_id = start_run(page, installation, "quick", steps=20)
    token = installation.token()
    wait_for(lambda: ask(installation, token, f"/runs/{run_id}")["status"] == "completed")
    page.goto(f"{installation.address}/playground/?run={run_id}")
    page.set_input_files('input[type="file"]', next(iter(sorted(PICTURE.glob("*.jpg")))))
    page.fill("textarea", "What a lovely surprise, thank you!")
    page.get_by_role("button", name="Predict").click()
    answer = page.locator("[data-answer]").first
    answer.wait_for(timeout=60_000)
    assert answer.inner_text().strip().lower() in ("negative", "neutral", "positive")


def test_a_bad_field_says_so_at_the_field_and_keeps_what_was_typed(page, installation: Installation) -> None:
    page.goto(f"{installation.address}/runs/new/?recipe=sentiment-tiny")
    page.fill('[name="stages.0.schedule.peak_rate"]', "-3e-4")
    page.get_by_role("button", name="Start run").click()
    field = page.locator('[name="stages.0.schedule.peak_rate"]')
    field.wait_for()
    assert field.input_value() == "-3e-4"
    assert field.get_attribute("aria-invalid") == "true"


def test_lists_follow_a_run_in_place_and_keep_what_was_chosen(page, installation: Installation) -> None:
    run_id = start_run(page, installation, "listed", steps=3000)
    page.goto(f"{installation.address}/runs/?q=listed")
    row = page.locator(f'tr[data-run="{run_id}"]')
    row.locator(".badge.running").wait_for(timeout=60_000)
    loss = row.locator("[data-loss]").inner_text
    wait_for(lambda: loss() != "—")
    seen = loss()
    wait_for(lambda: loss() != seen)
    page.goto(f"{installation.address}/runs/{run_id}/")
    page.get_by_role("button", name="Stop and save").first.click()
    page.goto(f"{installation.address}/runs/?q=listed")
    row.locator("[data-select]").check()
    page.evaluate("window.untouched = true")
    row.locator(".badge.stopped").wait_for(timeout=60_000)
    assert row.locator("[data-select]").is_checked()
    assert page.locator("#bulk").is_visible()
    assert page.evaluate("window.untouched")


def test_keys_lead_to_pages_and_rows(page, installation: Installation) -> None:
    page.goto(f"{installation.address}/settings/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs/")
    page.keyboard.press("/")
    page.keyboard.type("no such run at all")
    page.get_by_text("No run fits").wait_for()
    assert "q=no+such+run" in page.url or "q=no%20such%20run" in page.url
    page.keyboard.press("Tab")
    page.goto(f"{installation.address}/runs/")
    page.keyboard.press("?")
    assert page.locator("#shortcuts").is_visible()
