"""Fields of the form, made by walking the config's models: path, words, kind, bounds, the value that was given."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from django.utils.translation import gettext as _
from pydantic.fields import FieldInfo

from dashboard.runs.form.words import CHOICES, LABELS
from trainer.config import TASKS, Settings, Task

Kind = Literal["number", "rate", "choice", "text", "list"]


@dataclass
class FormField:
    """`path` is the input's name and id. `hidden` where the value of another field makes this one meaningless."""

    path: str
    name: str
    kind: Kind
    label: Any
    help: str
    unit: str
    optional: bool
    bounds: str
    value: str
    was: str | None = None
    choices: list[tuple[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    hidden: bool = False


@dataclass(frozen=True)
class Draft:
    """What a form shows: the document as it was typed, the recipe's own one, and complaints by path."""

    document: Mapping[str, Any]
    recipe: Mapping[str, Any] | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)


def leaves(model: type[Settings]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a model that hold one value; parts and lists of parts have fields of their own."""
    for name, info in model.model_fields.items():
        if name != "kind" and not holds_parts(info.annotation):
            yield name, info


def holds_parts(annotation: Any) -> bool:
    if get_origin(annotation) is not None:
        return any(holds_parts(each) for each in get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, Settings)


def fields_of(model: type[Settings], prefix: str, draft: Draft) -> dict[str, FormField]:
    """Returns the model's own fields by name, for the part of the document at `prefix`."""
    return {name: make(name, info, prefix, draft) for name, info in leaves(model)}


def task_fields(prefix: str, draft: Draft) -> dict[str, FormField]:
    """The fields of every kind of task; those of other kinds than the chosen one are hidden."""
    chosen = TASKS.get(str(lookup(draft.document, f"{prefix}.kind")), Task)
    found: dict[str, FormField] = {}
    for kind in TASKS.values():
        for name, each in fields_of(kind, prefix, draft).items():
            each.hidden = name not in chosen.model_fields
            found.setdefault(name, each)
    return found


def make(name: str, info: FieldInfo, prefix: str, draft: Draft) -> FormField:
    path = f"{prefix}.{name}" if prefix else name
    default = None if info.is_required() else info.get_default()
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    recipe = lookup(draft.recipe, path) if draft.recipe is not None else None
    return FormField(
        path=path,
        name=name,
        kind=kind_of(info.annotation),
        label=LABELS[name],
        help=_(info.description) if info.description else "",
        unit=str(extra.get("unit", "")),
        optional=type(None) in get_args(info.annotation),
        bounds=bounds(info),
        value=written(lookup(draft.document, path, default)),
        was=None if draft.recipe is None else written(recipe),
        choices=[(choice, CHOICES[choice]) for choice in choices(info.annotation)],
        errors=list(draft.errors.get(path, [])),
    )


def kind_of(annotation: Any) -> Kind:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return kind_of(next(each for each in arguments if each is not type(None)))
    if origin is Annotated:
        return kind_of(arguments[0])
    if origin is Literal:
        return "choice"
    if origin is tuple:
        return "list"
    kinds: dict[Any, Kind] = {int: "number", float: "rate"}
    return kinds.get(annotation, "text")


def choices(annotation: Any) -> tuple[str, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def bounds(info: FieldInfo) -> str:
    """The limits in words, from the constraints of the field."""
    limits = {
        name: getattr(rule, name) for rule in info.metadata for name in ("ge", "gt", "le", "lt") if getattr(rule, name, None) is not None
    }
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return ", ".join(f"{signs[name]} {limit:,g}" if limit < 1e6 else f"{signs[name]} {limit:,.0f}" for name, limit in limits.items())


def lookup(document: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path; `default` where the document does not go so far."""
    for step in path.split("."):
        if isinstance(document, Mapping) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return default
    return document


def written(value: Any) -> str:
    """As a person would type it: 3e-4, 0.15, 32, 64, 128."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(written(each) for each in value)
    if isinstance(value, float):
        return small(value) if 0 < abs(value) < 1e-3 else f"{value:.12g}"
    return str(value)


def small(value: float) -> str:
    mantissa, _e, exponent = f"{value:.11e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
