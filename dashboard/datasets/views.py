"""The data sets that stages may draw from."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from dashboard.datasets import samples
from trainer import catalog


@require_GET
def dataset_list(request: HttpRequest) -> HttpResponse:
    cards = catalog.load([settings.DATASETS_DIR]).values()
    found = [{"card": card, "is_shipped": card.folder.parent == catalog.SHIPPED} for card in cards]
    return render(request, "datasets/page.html", {"found": found, "folder": folder()})


@require_GET
@cache_control(private=True, max_age=3600)
def dataset_picture(request: HttpRequest, name: str, split: str, row: int) -> HttpResponse:
    """The picture of one sample, as it lies in the data set."""
    found = samples.picture(name, split, row)
    if found is None:
        raise Http404("No such picture.")
    return HttpResponse(found[0], content_type=found[1])


def folder() -> str:
    """The folder of imported data sets as the person's shell knows it: where the server lies is nobody's business."""
    is_default = settings.DATA_DIR == settings.BASE_DIR / "var"
    return "var/datasets" if is_default else "$ANNEAL_DATA/datasets"
