"""What people said of answers, as a data set: a folder that the trainer reads like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from dashboard.accounts.models import Project
from dashboard.playground.candidates import TASK
from dashboard.playground.models import Judgement
from dashboard.runs.models import Run
from trainer import catalog

# Of a hundred inputs so many train, the next validate, the rest test; which is which is decided by the input alone.
TRAIN, VALIDATION = 80, 90


def classes_of(run: Run) -> list[str]:
    """The classes of the data that the run's sentiment task draws from."""
    names = [
        source["dataset"] for stage in run.config["stages"] for task in stage["tasks"] if task["kind"] == TASK for source in task["sources"]
    ]
    cards = catalog.load([settings.DATASETS_DIR])
    return next((list(cards[name].classes) for name in reversed(names) if name in cards), [])


def write(project: Project) -> dict[str, Any]:
    """Writes `judged-PROJECT` into the folder of data sets; an earlier one of the name is replaced. Returns its name and size.

    Raises ValueError where there is not enough for every split.
    """
    from trainer.data.writing import write_dataset

    rows = newest(project)
    columns, whole = columns_of(rows)
    classes = sorted({row.label for row in whole})
    splits: dict[str, list[Judgement]] = {"train": [], "validation": [], "test": []}
    for row in whole:
        splits[split_of(row)].append(row)
    if empty := [name for name, found in splits.items() if not found]:
        raise ValueError(
            _("There are %(n)s judged answers, none of them for %(split)s: judge some more.") % {"n": len(whole), "split": empty[0]}
        )
    name = f"judged-{project.slug}".lower()[:64]
    card = {
        "title": _("Judged in the playground, %(project)s") % {"project": project.name},
        "description": _("What people of the project said which answers are right."),
        "classes": classes,
        "skipped": {_("no picture or no sentence"): len(rows) - len(whole)} if len(rows) > len(whole) else {},
    }
    made = {split: samples(found, columns, classes) for split, found in splits.items()}
    write_dataset(settings.DATASETS_DIR / name, made, [*columns, "label"], **card)
    return {"name": name, "num_samples": len(whole)}


def newest(project: Project) -> list[Judgement]:
    """The last word on each input."""
    found = {digest(row): row for row in Judgement.objects.filter(project=project)}
    return list(found.values())


def columns_of(rows: list[Judgement]) -> tuple[list[str], list[Judgement]]:
    """What all samples of the data set have, and the rows that have it: most projects judge pictures with sentences."""
    for columns in (["image", "text"], ["text"], ["image"]):
        whole = [row for row in rows if ("image" not in columns or row.picture) and ("text" not in columns or row.text)]
        if whole:
            return columns, whole
    raise ValueError(_("Nobody has judged an answer yet."))


def samples(rows: list[Judgement], columns: list[str], classes: list[str]) -> Iterator[Any]:
    from trainer.data.writing import Sample

    for row in rows:
        image = bytes(row.picture) if "image" in columns else None
        yield Sample(image, row.text if "text" in columns else None, classes.index(row.label))


def split_of(row: Judgement) -> str:
    place = int(digest(row)[:8], 16) % 100
    return "train" if place < TRAIN else "validation" if place < VALIDATION else "test"


def digest(row: Judgement) -> str:
    return hashlib.sha256(row.text.encode() + b"\0" + bytes(row.picture)).hexdigest()
