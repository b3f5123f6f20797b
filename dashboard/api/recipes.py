"""The API of recipes: the presets a run may start from."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from dashboard.api.shapes import RecipeList
from trainer import recipes

router = Router(tags=["recipes"])


@router.get("", response=RecipeList)
def list_recipes(request: HttpRequest) -> dict[str, Any]:
    items = [
        {**recipe.model_dump(mode="json", exclude={"config"}), "config": recipe.config.model_dump(mode="json")}
        for recipe in recipes.load().values()
    ]
    return {"items": items, "count": len(items)}
