"""Models of a Triton that runs elsewhere: an administrator names it, everybody who is signed in may ask what it serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from dashboard.playground import predicting
from dashboard.playground.wire import LIST_SERVED, SERVED

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
KEY = re.compile(rf"^triton\.(?P<name>{NAME})$")


@dataclass(frozen=True)
class Served:
    """A model by its name on that server. `inputs` is unknown until the server was asked: the page then takes both."""

    name: str
    inputs: str = "image_and_text"

    @property
    def key(self) -> str:
        """How a link, a form and a program name it."""
        return f"triton.{self.name}"

    def facts(self) -> dict[str, Any]:
        """What a column and the list of models show of it."""
        return {"key": self.key, "served": self.name, "inputs": self.inputs}


def served(key: str) -> Served | None:
    """The model that a key names, whether or not the server has it; None for another key, and where there is no server."""
    match = KEY.match(key) if settings.TRITON_URL else None
    return Served(match["name"]) if match else None


def offered() -> list[Served]:
    """What the server has ready that can be asked; nothing where an administrator named none. Raises Unavailable with the reason."""
    if not settings.TRITON_URL:
        return []
    found = predicting.predict({"act": LIST_SERVED}, lane=SERVED)["items"]
    return [Served(each["name"], each["inputs"]) for each in found if KEY.match(f"triton.{each['name']}")]
