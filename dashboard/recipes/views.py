"""The presets that a run may start from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.accounts import access
from dashboard.runs.form.words import CHOICES, FAMILIES
from trainer import catalog, recipes
from trainer.catalog import Card
from trainer.config import Run, Stage
from trainer.plan import num_steps


@require_GET
def recipe_list(request: HttpRequest) -> HttpResponse:
    cards = catalog.load([settings.DATASETS_DIR])
    found = [
        {"recipe": recipe, "family": FAMILIES[recipe.config.model.family], "stages": described(recipe.config, cards)}
        for recipe in recipes.load().values()
    ]
    return render(request, "recipes/page.html", {"found": found, "can_edit": access.projects(request.user, "edit").exists()})


def described(run: Run, cards: dict[str, Card]) -> list[dict[str, Any]]:
    return [describe(index, stage, num_steps(stage, cards, run.model)) for index, stage in enumerate(run.stages, 1)]


def describe(index: int, stage: Stage, count: int) -> dict[str, Any]:
    """A stage as the strip and the lines of a card show it."""
    return {
        "index": index,
        "name": stage.name,
        "status": "waiting",
        "last_step": 0,
        "num_steps": count,
        "tasks": [str(CHOICES[task.kind]).lower() for task in stage.tasks],
        "datasets": sorted({source.dataset for task in stage.tasks for source in task.sources}),
        "peak_rate": stage.schedule.peak_rate,
    }
