"""The presets that a run may start from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from dashboard.accounts import access
from trainer import catalog, recipes
from trainer.catalog import Card
from trainer.config import Stage
from trainer.plan import num_steps

TASK_NAMES = {
    "image_classification": _("image classification"),
    "masked_lm": _("masked words"),
    "image_text_matching": _("image-text matching"),
    "sentiment": _("sentiment"),
}


@require_GET
def recipe_list(request: HttpRequest) -> HttpResponse:
    cards = catalog.load([settings.DATASETS_DIR])
    found = [
        {"recipe": recipe, "stages": [describe(index, stage, cards) for index, stage in enumerate(recipe.config.stages, 1)]}
        for recipe in recipes.load().values()
    ]
    return render(request, "recipes/page.html", {"found": found, "can_edit": access.projects(request.user, "edit").exists()})


def describe(index: int, stage: Stage, cards: dict[str, Card]) -> dict[str, Any]:
    """A stage as the strip and the lines of a card show it."""
    return {
        "index": index,
        "name": stage.name,
        "status": "waiting",
        "last_step": 0,
        "num_steps": num_steps(stage, cards),
        "tasks": [TASK_NAMES[task.kind] for task in stage.tasks],
        "datasets": sorted({source.dataset for task in stage.tasks for source in task.sources}),
        "peak_rate": stage.schedule.peak_rate,
    }
