"""The run page under load in a real browser: a thousand metrics, a long log, full screen, pictures, and deletion by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.installation import Installation
from tests.e2e.test_browser import page, pytestmark, sign_in
from tests.processes import ROOT, wait_for

__all__ = ["page", "pytestmark", "sign_in"]

SLOTS = ".metric-slot"
# Scrolls down by 60 px a frame; returns the times between frames in ms.
FRAMES = """async () => {
  const gaps = [];
  let last = performance.now();
  for (let y = 0; y < 9000; y += 60) {
    scrollTo(0, y);
    await new Promise(requestAnimationFrame);
    gaps.push(performance.now() - last);
    last = performance.now();
  }
  return gaps.sort((a, b) => a - b);
}"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation(tmp_path_factory.mktemp("anneal"))
    try:
        found.start()
        assert found.worker  # a worker at work would take what is seeded
        found.worker.terminate()
        found.worker.wait()
        yield found
    finally:
        found.stop()


def seed(installation: Installation, name: str, num_metrics: int, num_lines: int) -> str:
    program = "import django; django.setup(); from tests.e2e.seeding import seed; print(seed({!r}, {}, {}).pk)"
    command = [sys.executable, "-c", program.format(name, num_metrics, num_lines)]
    done = subprocess.run(command, cwd=ROOT, env=installation.environment, check=True, capture_output=True, text=True)
    return f"{installation.address}/runs/{done.stdout.split()[-1]}/"


@pytest.fixture(scope="module")
def large(installation: Installation) -> str:
    return seed(installation, "large-run", 1000, 30_000)


def count(page, selector: str) -> int:
    return page.locator(selector).count()


def test_of_a_thousand_metrics_only_those_near_the_screen_are_made(page, large: str) -> None:
    page.goto(large)
    page.locator(f"{SLOTS} canvas").first.wait_for()
    began = page.evaluate("Math.round(performance.now())")
    assert count(page, SLOTS) == 999  # the loss stands in the large chart
    assert 0 < count(page, f"{SLOTS} canvas") < 120
    gaps = page.evaluate(FRAMES)
    assert 0 < count(page, f"{SLOTS} canvas") < 200
    median, late = gaps[len(gaps) // 2], gaps[len(gaps) * 95 // 100]
    print(f"first charts after {began} ms; frames while scrolling: median {median:.0f} ms, 95 % under {late:.0f} ms")


def test_a_pattern_finds_metrics_a_wrong_one_is_told_of_and_changes_nothing(page, large: str) -> None:
    page.goto(large)
    page.locator(SLOTS).first.wait_for()
    page.fill("[data-metric-search]", "layer_7/(max|std)$")
    wait_for(lambda: count(page, SLOTS) == 4)
    assert "metrics=layer_7" in page.url
    page.fill("[data-metric-search]", "layer_7/(max")
    page.locator("[data-metric-wrong]").wait_for()
    assert count(page, SLOTS) == 4
    page.goto(page.url)
    wait_for(lambda: count(page, SLOTS) == 4)


def test_pins_and_closed_groups_outlast_the_page(page, large: str) -> None:
    page.goto(large)
    page.locator('[data-group="weights/"] button[aria-expanded]').click()
    card = page.locator('[data-metric="train/grad_norm"]')
    card.hover()
    card.locator("[data-act=pin]").click()
    page.reload()
    page.locator('[data-group="pinned"] [data-metric="train/grad_norm"]').wait_for()
    assert count(page, f'[data-group="weights/"] {SLOTS}') == 0
    page.locator('[data-group="weights/"] button[aria-expanded]').click()
    wait_for(lambda: count(page, f'[data-group="weights/"] {SLOTS}') > 0)


def test_full_screen_steps_by_arrow_keys_shows_a_table_and_saves_a_picture(page, large: str) -> None:
    page.goto(f"{large}?panel=system/memory_bytes")
    dialog = page.locator("[data-full]")
    dialog.locator("canvas").wait_for()
    page.keyboard.press("ArrowRight")
    wait_for(lambda: dialog.locator("[data-full-name]").inner_text() != "system/memory_bytes")
    page.keyboard.press("ArrowLeft")
    with page.expect_download() as saved:
        dialog.get_by_text("PNG").click()
    assert saved.value.suggested_filename == "large-run-system-memory_bytes.png"
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")
    dialog.get_by_text("Table").click()
    wait_for(lambda: dialog.locator("tbody tr").count() > 50)
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert "panel" not in page.url


def test_the_back_button_closes_full_screen_and_stays_on_the_page(page, large: str) -> None:
    page.goto(large)
    card = page.locator('[data-metric="train/grad_norm"]')
    card.hover()
    card.locator("[data-act=full]").click()
    page.locator("[data-full] canvas").wait_for()
    page.go_back()
    page.locator("[data-full]").wait_for(state="hidden")
    assert page.url == large
    page.go_forward()
    page.locator("[data-full] canvas").wait_for()


def test_a_long_log_is_drawn_as_far_as_it_is_seen_searched_and_read_backwards(page, large: str) -> None:
    page.goto(f"{large}logs/")
    page.locator(".log-line").first.wait_for()
    words = page.locator("[data-log-count]").inner_text
    first = int(words().split()[0].replace(",", ""))
    assert 1000 < first < 30_000
    assert count(page, ".log-line") < 150
    page.fill("[data-log-search]", "bad.* batch (4|9)99")
    wait_for(lambda: " of " in words())
    assert page.locator(".log-line.is-current mark").inner_text().startswith("bad</b> batch ")
    page.fill("[data-log-search]", "")
    page.locator("[data-log]").evaluate("(box) => { box.scrollTop = 0; }")
    wait_for(lambda: words() != f"{first:,} lines")
    page.locator('button[data-level="error"]').click()
    wait_for(lambda: page.locator('.log-line:not([data-level="error"])').count() == 0)
    assert page.locator(".log-line", has_text="<b>bad</b>").count() > 0


def test_a_run_is_deleted_by_whoever_types_its_name(page, installation: Installation) -> None:
    page.goto(seed(installation, "to-be-deleted", 3, 3))
    page.locator(".verbs summary").click()
    page.locator("[data-dialog=delete-run]").click()
    button = page.locator("#delete-run [data-confirm]")
    assert button.is_disabled()
    page.fill("#delete-name", "to-be-deleted")
    button.click()
    page.wait_for_url("**/runs/")
    assert page.get_by_text("to-be-deleted").count() == 0
