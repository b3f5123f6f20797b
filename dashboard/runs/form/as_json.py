"""The document of a run as JSON: written from what the form holds, read back from what a person wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from dashboard.runs.form.complaints import SCALAR_LISTS, Complaints, is_news
from dashboard.runs.form.fields import kind_of, leaves
from trainer import config
from trainer.config import Run

FIELD = "document"
PARTS: tuple[type[config.Settings], ...] = (
    *config.TASKS.values(), *config.FAMILIES.values(), config.ImageEncoder, config.TextEncoder, config.Source, config.Schedule,
    config.Regularisation, config.Curriculum, config.Stage, config.Quantization, config.Run,
)  # fmt: skip
NUMBERS = {name for part in PARTS for name, info in leaves(part) if kind_of(info.annotation) in ("number", "rate")} | {"widths", "depths"}
# What the inputs of the form can hold and complain about; all else, such as an unknown key, stays JSON until it is right.
SHOWN_BY_THE_FORM = (
    "greater_than", "greater_than_equal", "less_than", "less_than_equal", "float_parsing", "int_parsing", "int_from_float",
    "finite_number", "missing", "too_short", "string_too_short", "string_too_long", "string_pattern_mismatch", "value_error",
)  # fmt: skip


def written(document: Mapping[str, Any]) -> str:
    """The config's own JSON; where it is not right yet, the document as it stands, its numbers as numbers."""
    with suppress(ValidationError):
        document = Run.model_validate(document).model_dump(mode="json")
    return json.dumps(plain(document), indent=2, ensure_ascii=False)


def plain(value: Any, name: str = "") -> Any:
    """Without what is empty; text typed into a number's field as the number that it reads as."""
    if isinstance(value, Mapping):
        return {key: plain(each, key) for key, each in value.items() if each is not None or key == "quantization"}
    if isinstance(value, list | tuple):
        return [plain(each, name) for each in value]
    return number(value) if isinstance(value, str) and name in NUMBERS else value


def number(text: str) -> int | float | str:
    """The text itself where it is no finite number."""
    for kind in (int, float):
        with suppress(ValueError, OverflowError):
            found = kind(text)
            return found if math.isfinite(found) else text
    return text


def read(text: str) -> tuple[dict[str, Any] | None, Complaints]:
    """Returns the document, None where the text is none, and what is wrong with the text."""
    try:
        document = json.loads(text)
        written(document).encode()  # what is nested too deeply, or is no Unicode, could not be shown again
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno, "reason": error.msg}
        return None, {FIELD: [_("This is not JSON. Line %(line)s, column %(column)s: %(reason)s.") % place]}
    except (ValueError, RecursionError):
        return None, {FIELD: [_("This JSON holds a number that is too long, characters that are none, or is nested too deeply.")]}
    if not isinstance(document, dict):
        return None, {FIELD: [_("Write one JSON object: { ... }.")]}
    return document, {}


def fits_the_form(document: Mapping[str, Any]) -> bool:
    """Whether every complaint about it has an input to stand at."""
    try:
        Run.model_validate(document)
    except ValidationError as error:
        return all(shown(each["type"], each["loc"]) for each in filter(is_news, error.errors(include_url=False)))
    return True


def shown(kind: str, loc: tuple[str | int, ...]) -> bool:
    return kind in SHOWN_BY_THE_FORM and loc != ("stages",) and not any(name in SCALAR_LISTS for name in loc)
