"""The head names every module that a page's script imports."""

from __future__ import annotations

from pathlib import Path

from dashboard.modules import modules_of

STATIC = Path(__file__).parents[2] / "dashboard" / "static"


def test_the_modules_behind_a_script_are_found_however_they_are_imported() -> None:
    found = modules_of("js/run.js")
    assert "js/chart/view.js" in found
    assert "vendor/uplot-1.6.32/uPlot.esm.js" in found  # two folders up, from a module of a module
    assert "js/chart/live-chart.js" in found  # imported for what it does
    assert len(found) == len(set(found))
    assert found[0] == "js/run.js"


def test_all_of_them_are_there() -> None:
    for entry in (STATIC / "js").glob("*.js"):
        assert all((STATIC / name).is_file() for name in modules_of(f"js/{entry.name}")), entry
