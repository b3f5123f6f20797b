"""Recipes and data sets."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest
from django.test import Client

from tests.cast import Cast
from trainer import catalog, recipes

pytestmark = pytest.mark.django_db


def test_every_recipe_leads_to_the_form_that_it_fills(alice: Client) -> None:
    text = html.unescape(alice.get("/recipes/").content.decode())
    for recipe in recipes.load().values():
        assert recipe.description in text
        assert f'href="/runs/new/?recipe={recipe.id}"' in text


def test_a_viewer_is_offered_no_recipe_to_use(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get("/recipes/").content.decode()
    assert "Sentiment, small" in text
    assert "?recipe=" not in text


def test_shipped_data_sets_name_their_licence(alice: Client) -> None:
    text = alice.get("/datasets/").content.decode()
    for card in catalog.load().values():
        assert card.title in text
        assert card.licence in text


def test_an_imported_data_set_appears_with_what_was_skipped(alice: Client, data_folder: Path) -> None:
    folder = data_folder / "datasets" / "mine"
    folder.mkdir(parents=True)
    card = {
        "name": "mine",
        "title": "My pairs",
        "columns": ["image", "label"],
        "num_samples": {"train": 8, "test": 2},
        "skipped": {"empty": 3},
    }
    (folder / "dataset.json").write_text(json.dumps(card))
    text = alice.get("/datasets/").content.decode()
    assert "My pairs" in text
    assert "3 skipped: empty" in text
    assert str(data_folder) not in text
