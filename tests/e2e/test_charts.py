"""A person reads the charts of a finished run: zoom, history, stages, axes, layouts, legend, crosshair."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.installation import Installation
from tests.e2e.test_browser import CHROMIUM, page  # noqa: F401 (a fixture)
from tests.processes import ROOT, wait_for

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: the browser tests did not run")
STEPS = 60


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Nothing trains here: the run that is looked at is written."""
    found = Installation(tmp_path_factory.mktemp("anneal"))
    try:
        found.start(has_worker=False)
        yield found
    finally:
        found.stop()


def write_run(installation: Installation) -> int:
    command = [sys.executable, "-m", "tests.e2e.written", str(STEPS)]
    return int(subprocess.run(command, cwd=ROOT, env=installation.environment, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def run_id(installation: Installation) -> int:
    return write_run(installation)


@pytest.fixture
def charts(page, installation: Installation, run_id: int) -> str:  # noqa: F811
    """The address of the run whose page is open."""
    address = f"{installation.address}/runs/{run_id}/"
    page.goto(address)
    wait_for(lambda: f"{3 * STEPS} points" in badge(page))
    return address


def badge(page) -> str:  # noqa: F811
    return page.locator("[data-hidden-points]").inner_text()


def window(page) -> str:  # noqa: F811
    found = re.search(r"steps=([\d-]+)", page.url)
    return found[1] if found else ""


def plot(page) -> dict[str, float]:  # noqa: F811
    return page.locator("live-chart[kind=loss] .u-over").bounding_box()


def drag(page, box: dict[str, float], start: float, end: float) -> None:  # noqa: F811
    """From one share of a plot's width to another."""
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], middle, steps=4)
    page.mouse.up()


def test_a_drag_zooms_the_back_button_returns_and_a_double_click_resets(page, charts: str) -> None:  # noqa: F811
    box = plot(page)
    middle = box["y"] + box["height"] / 2
    drag(page, box, 0.1, 0.3)
    wait_for(lambda: window(page) != "")
    assert int(badge(page).split()[0]) < STEPS
    page.go_back()
    wait_for(lambda: window(page) == "")
    page.go_forward()
    wait_for(lambda: window(page) != "")
    page.mouse.dblclick(box["x"] + 0.5 * box["width"], middle)
    wait_for(lambda: window(page) == "")


def test_brackets_walk_through_the_stages_and_escape_shows_the_whole_run(page, charts: str) -> None:  # noqa: F811
    page.keyboard.press("]")
    wait_for(lambda: window(page) == f"0-{STEPS}")
    page.keyboard.press("]")
    wait_for(lambda: window(page).startswith(f"{STEPS}-"))
    page.keyboard.press("[")
    wait_for(lambda: window(page) == f"0-{STEPS}")
    page.keyboard.press("Escape")
    wait_for(lambda: window(page) == "")


def test_every_setting_is_in_the_address_and_comes_back_from_it(page, charts: str) -> None:  # noqa: F811
    page.locator("button[data-x=samples]").click()
    page.locator("button[data-layout=multiples]").click()
    page.locator("button[data-y=linear]").click()
    page.locator("button[data-key=validation]").click()
    page.goto(page.url)
    for selector in ("button[data-x=samples]", "button[data-layout=multiples]", "button[data-y=linear]"):
        wait_for(lambda selector=selector: page.locator(selector).get_attribute("aria-pressed") == "true")
    assert page.locator("button[data-key=validation]").get_attribute("aria-pressed") == "false"
    assert "x=samples" in page.url and "view=multiples" in page.url and "hide=validation" in page.url


def test_strip_and_lane_go_along_when_the_chart_gets_another_width(page, charts: str) -> None:  # noqa: F811
    page.set_viewport_size({"width": 1900, "height": 900})
    wait_for(lambda: plot(page)["width"] > 1000)
    strip = page.locator("[data-ruler] [data-stage]").last.bounding_box
    wait_for(lambda: abs(strip()["x"] + strip()["width"] - plot(page)["x"] - plot(page)["width"]) < 2, 10)


def test_the_crosshair_stands_at_the_same_place_in_every_chart(page, charts: str) -> None:  # noqa: F811
    box = plot(page)
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 40)
    page.locator("[data-tooltip]").wait_for()
    shares = page.evaluate(
        "() => [...document.querySelectorAll('live-chart')].filter((chart) => chart.isVisible)"
        ".map(({ plot }) => plot.cursor.left / plot.over.clientWidth)"
    )
    assert len(shares) > 2
    assert max(shares) - min(shares) < 0.02


def test_a_drag_zooms_a_small_chart_past_its_acts(page, charts: str) -> None:  # noqa: F811
    small = page.locator(".metric-slot .u-over").first
    small.scroll_into_view_if_needed()
    small.hover()
    page.locator(".metric-slot .card-acts").first.get_by_role("button").first.wait_for()
    box = small.bounding_box()
    drag(page, {**box, "height": 40}, 0.1, 0.5)
    wait_for(lambda: window(page) != "")
    assert int(window(page).partition("-")[2]) < 0.6 * 3 * STEPS


def test_a_drag_zooms_one_stage_of_a_comparison(page, installation: Installation, run_id: int) -> None:  # noqa: F811
    page.goto(f"{installation.address}/compare/?runs={run_id},{write_run(installation)}&curve=train/loss")
    first = page.locator('[data-overlay="1"] .u-over')
    first.scroll_into_view_if_needed()
    drag(page, first.bounding_box(), 0.2, 0.6)
    page.wait_for_url(re.compile("zoom=1:"))
    ends = "(hosts) => hosts.slice(0, 2).map((host) => host.plot.scales.x.max)"
    wait_for(lambda: page.locator("[data-overlay]").evaluate_all(ends)[0] < 0.7 * STEPS)
    assert page.locator("[data-overlay]").evaluate_all(ends)[1] == STEPS
    first.dblclick()
    page.wait_for_url(lambda url: "zoom" not in url)
