"""The playground: one picture and sentence, and what one to four models say of them, side by side."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.accounts import access
from dashboard.accounts.access import Person
from dashboard.datasets import samples
from dashboard.playground.candidates import FLOAT, KEY, MAX_COLUMNS, Candidate, choices, of_run
from dashboard.playground.examples import EXAMPLES
from dashboard.playground.served import Served, served
from dashboard.playground.speakers import speakers
from dashboard.playground.words import language_words, words
from trainer.data.uploads import MAX_BYTES, MAX_CHARACTERS


@require_safe
def playground(request: HttpRequest) -> HttpResponse:
    """`?models=KEY,KEY` chooses the columns in their order, `?run=ID` a run; without them the newest run that can be asked.

    `?sample=DATASET/SPLIT/ROW` asks about a sample of a data set at once.
    """
    found = choices(access.runs(request.user))
    asked = [key for key in request.GET.get("models", "").split(",") if key][:MAX_COLUMNS]
    models = [model for key in asked if (model := named(request.user, key))]
    data = {
        "models": [shown(request.user, model) for model in models or first_ones(found, request.GET.get("run", ""))],
        "words": words(),
        "max_bytes": MAX_BYTES,
        "max_columns": MAX_COLUMNS,
        "addresses": addresses(request),
        "sample": sample(request.GET.get("sample", "")),
    }
    context: dict[str, Any] = {
        "choices": found,
        "models": data["models"],
        "num_missing": len(asked) - len(models),
        "examples": EXAMPLES,
        "max_characters": MAX_CHARACTERS,
        "has_triton": bool(settings.TRITON_URL),
        "addresses": data["addresses"],
        "data": data,
    }
    return render(request, "playground/page.html", context)


def sample(name: str) -> dict[str, str] | None:
    """Where the picture of a sample is, and its text; None for what is no sample."""
    dataset, split, row = [*name.split("/"), "", ""][:3]
    number = int(row) if row.isascii() and row.isdigit() and len(row) < 10 else -1
    if not samples.path_of(dataset, split) or not (text := samples.texts(dataset, split, [number]).get(number, "")):
        return None
    return {"picture": reverse("dataset_picture", args=[dataset, split, number]), "text": text}


@require_safe
def language(request: HttpRequest) -> HttpResponse:
    """`?run=ID` chooses the newest stage of a run."""
    found = speakers(access.runs(request.user))
    wanted = request.GET.get("run", "")
    context = {
        "speakers": found,
        "chosen": next((each.key for each in found if str(each.run.pk) == wanted), ""),
        "max_characters": MAX_CHARACTERS,
        "address": request.build_absolute_uri("/api/v1/playground/generations"),
        "words": {"words": language_words()},
    }
    return render(request, "playground/language.html", context)


def named(user: Person, key: str) -> Candidate | Served | None:
    """The model that a link names; None where there is none, or none that the person may see."""
    if model := served(key):
        return model
    match = KEY.match(key)
    run = access.runs(user).filter(pk=int(match["run"])).first() if match else None
    return next((each for each in of_run(run) if each.key == key), None) if run else None


def shown(user: Person, model: Candidate | Served) -> dict[str, Any]:
    if isinstance(model, Served):
        return model.facts()
    project = model.run.project
    return model.facts() | {"project": project.slug, "can_edit": access.has_right(user, project, "edit")}


def first_ones(found: list[Candidate], run_id: str) -> list[Candidate]:
    """The last weights of a run, in FP32 and in what stands for its quantization."""
    chosen = next((each for each in found if str(each.run.pk) == run_id), found[0] if found else None)
    if chosen is None:
        return []
    twins = [each for each in of_run(chosen.run) if each.precision != FLOAT]
    return [chosen, *(each for each in twins if each.precision == "int8")][:MAX_COLUMNS]


def addresses(request: HttpRequest) -> dict[str, str]:
    api = request.build_absolute_uri("/api/v1/playground/")
    names = (
        "predictions", "explanations", "models", "served", "requests",
        "kept", "judgements", "datasets", "probes", "scores", "changes", "batches"
    )  # fmt: skip
    return {name: f"{api}{name}" for name in names} | {"runs": reverse("run_list")}
