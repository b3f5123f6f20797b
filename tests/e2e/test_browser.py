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


def finished_run(page, installation: Installation, token: str) -> int:
    run_id = start_run(page, installation, "quick", steps=20)
    wait_for(lambda: ask(installation, token, f"/runs/{run_id}")["status"] == "completed", patience_s=300)
    return run_id


def test_a_finished_run_predicts_in_the_playground_and_says_why(page, installation: Installation) -> None:
    token = installation.token()
    run_id = finished_run(page, installation, token)
    page.goto(f"{installation.address}/playground/?run={run_id}")
    page.set_input_files("#image", next(iter(sorted(PICTURE.glob("*.jpg")))))
    page.fill("textarea", "What a lovely surprise, thank you!")
    page.get_by_role("button", name="Predict").click()
    answer = page.locator("[data-answer]").first
    answer.wait_for(timeout=60_000)
    assert answer.inner_text().strip().lower() in ("negative", "neutral", "positive")
    page.locator("[data-words] .word", has_text="lovely").first.wait_for(timeout=60_000)
    assert page.locator("[data-method]").first.inner_text() == "Grad-CAM"
    assert re.fullmatch(r"\d+ : \d+", page.locator("[data-share]").first.inner_text())


def test_models_are_added_judged_probed_and_kept(page, installation: Installation) -> None:
    token = installation.token()
    run_id = finished_run(page, installation, token)
    page.goto(f"{installation.address}/playground/?run={run_id}")
    columns = page.locator("[data-column]").count()
    page.get_by_role("button", name="Add model").click()
    page.locator("#add-weights option").first.wait_for(state="attached")
    page.select_option("#add-run", str(run_id))
    page.locator(f'#add-weights option[value*="@"][value^="{run_id}."]').first.wait_for(state="attached")
    earlier = page.locator('#add-weights option[value*="@"]').first.get_attribute("value")
    page.select_option("#add-weights", earlier)
    page.locator("#add-model").get_by_role("button", name="Add").click()
    assert earlier in page.url
    page.reload()
    assert page.locator("[data-column]").count() == columns + 1
    page.locator("[data-example]").first.click()
    page.locator("[data-answer]").nth(columns).wait_for(timeout=60_000)
    page.get_by_role("button", name="Wrong").first.click()
    page.locator("[data-judge] .class-name").first.click()
    page.get_by_text("1 judged").wait_for()
    page.get_by_role("button", name="Add to probe set").click()
    page.get_by_text("In the probe set now, 1 of 24").wait_for(timeout=60_000)
    page.get_by_role("button", name="Score what is missing").click()
    probe = page.locator('[data-list="probes"] .listed button').first
    probe.wait_for()
    wait_for(lambda: ask(installation, token, f"/playground/probes?run={run_id}")["num_unscored"] == 0)
    page.get_by_role("button", name="Keep").click()
    page.locator('[data-list="kept"] .listed').first.wait_for()
    page.get_by_role("button", name="Ask every checkpoint").click()
    page.locator("[data-chart] .curve").first.wait_for(timeout=60_000)


def test_a_batch_answers_a_table_and_gives_a_table(page, installation: Installation) -> None:
    token = installation.token()
    run_id = finished_run(page, installation, token)
    page.goto(f"{installation.address}/playground/?run={run_id}")
    pictures = sorted(PICTURE.glob("*.jpg"))[:3]
    rows = "".join(f"{path.name},What a day\n" for path in pictures)
    files = [{"name": path.name, "mimeType": "image/jpeg", "buffer": path.read_bytes()} for path in pictures]
    table = {"name": "texts.csv", "mimeType": "text/csv", "buffer": f"file,text\n{rows}gone.jpg,=1+1\n".encode()}
    page.set_input_files("[data-batch-files]", [*files, table])
    page.get_by_role("button", name="Ask all").click()
    page.get_by_text("3 answered, 1 refused").wait_for(timeout=60_000)
    with page.expect_download() as download:
        page.get_by_text("Answers as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "file,text,class,negative,neutral,positive,latency_ms,error"
    assert [line.partition(",")[0] for line in lines[1:]] == [*(path.name for path in pictures), "gone.jpg"]
    assert lines[4].startswith("gone.jpg,'=1+1,")


def test_a_language_model_goes_on_with_a_text(page, installation: Installation) -> None:
    token = installation.token()
    run_id = ask(installation, token, "/runs", json.dumps({"recipe": "language-tiny", "name": "quiet-harbor"}).encode())["id"]
    wait_for(lambda: ask(installation, token, f"/runs/{run_id}")["status"] == "completed", patience_s=300)
    page.goto(f"{installation.address}/playground/language/?run={run_id}")
    page.fill("#text", "The union is")
    page.fill("#max_tokens", "20")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text(re.compile(r"\d+ tokens, [\d.]+ a second; (cut|the model)")).wait_for(timeout=60_000)
    page.fill("#text", "word " * 2000)
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("this model looks at").wait_for(timeout=60_000)


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
