"""The playground: one picture and sentence, what a finished run says of it, one column per precision."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.accounts import access
from dashboard.playground.candidates import choices
from dashboard.playground.examples import EXAMPLES
from trainer.data.uploads import MAX_BYTES, MAX_CHARACTERS


@require_safe
def playground(request: HttpRequest) -> HttpResponse:
    """`?run=ID` chooses the run; without it the newest one that can be asked."""
    found = choices(access.runs(request.user))
    wanted = request.GET.get("run", "")
    chosen = next((each for each in found if str(each.run.pk) == wanted), found[0] if found else None)
    context: dict[str, Any] = {
        "choices": found,
        "chosen": chosen,
        "examples": EXAMPLES,
        "max_bytes": MAX_BYTES,
        "max_characters": MAX_CHARACTERS,
        "address": request.build_absolute_uri("/api/v1/playground/predictions"),
    }
    return render(request, "playground/page.html", context)
