"""The data sets that stages may draw from."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from trainer import catalog


@require_GET
def dataset_list(request: HttpRequest) -> HttpResponse:
    cards = catalog.load([settings.DATASETS_DIR]).values()
    found = [{"card": card, "is_shipped": card.folder.parent == catalog.SHIPPED} for card in cards]
    return render(request, "datasets/page.html", {"found": found, "folder": folder()})


def folder() -> str:
    """The folder of imported data sets as the person's shell knows it: where the server lies is nobody's business."""
    is_default = settings.DATA_DIR == settings.BASE_DIR / "var"
    return "var/datasets" if is_default else "$ANNEAL_DATA/datasets"
