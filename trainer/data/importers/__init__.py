"""The verb `import`: reads a folder that people have and writes a data set, whole or not at all, with a report of what was left out."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from trainer import catalog
from trainer.config import DatasetName
from trainer.data.importers import classes, hub, mvsa, pictures, table
from trainer.data.importers.entries import Entry, Found
from trainer.data.importers.report import Report
from trainer.data.importers.splitting import SPLITS, split
from trainer.data.writing import Sample, write_dataset

PROGRESS_INTERVAL = 1000
Say = Callable[[str], None]


def import_folder(options: argparse.Namespace) -> int:
    """The verb. Raises ValueError, naming what is wrong, when there is nothing to import."""
    report = Report()
    check_name(options.name, options.to)
    found = read(options, report)
    wanted = tuple(each.strip() for each in options.classes.split(",")) if options.classes else found.classes
    target = write(options.to / options.name, found, wanted, options.seed, report, print)
    card = catalog.find(options.name, [options.to])
    for line in [*report.lines(), f"{target}: {sizes(card)}"]:
        print(line)
    return 0


def check_name(name: str, to: Path) -> None:
    try:
        TypeAdapter(DatasetName).validate_python(name)
    except ValidationError as error:
        raise ValueError(f"name: {name!r} must be lower-case letters, digits, - and _") from error
    if name in catalog.load([to]) or (to / name).exists():
        raise ValueError(f"name: there is already a data set {name!r}")


def read(options: argparse.Namespace, report: Report) -> Found:
    """Reads by the given format, or by what lies in the folder."""
    source: Path = options.source
    if options.format == "datasets":
        return hub.read(str(source), report)
    if not source.is_dir():
        raise ValueError(f"source: {source} is no folder")
    form = options.format if options.format != "auto" else detect(source)
    if form == "mvsa":
        return mvsa.read(source, report, options.split_file, consistent_only=options.consistent_only)
    if options.split_file or options.consistent_only:
        raise ValueError("--split-file and --consistent-only have an effect on MVSA alone")
    return table.read(source, report) if form == "table" else classes.read(source, report)


def detect(source: Path) -> str:
    if mvsa.find(source):
        return "mvsa"
    return "table" if table.find(source) else "classes"


def write(target: Path, found: Found, wanted: Sequence[str], seed: int, report: Report, say: Say) -> Path:
    """Checks every row, splits what is left, writes it. Raises ValueError when a split would be empty."""
    names = list(wanted) or sorted({entry.label for entry in found.entries if entry.label})
    kept = split(list(usable(found, names, report, say)), seed)
    refuse_empty(kept, report)
    write_dataset(
        target,
        {name: samples(kept, name, names) for name in SPLITS},
        found.columns,
        title=target.name,
        description=found.description,
        classes=names if "label" in found.columns else [],
        licence="as the source",
        credits=[],
        skipped=dict(report.skipped),
    )
    return target


def usable(found: Found, names: Sequence[str], report: Report, say: Say) -> Iterator[Entry]:
    for number, entry in enumerate(found.entries, 1):
        if number % PROGRESS_INTERVAL == 0:
            say(f"checked {number:,} of {len(found.entries):,}")
        if "label" in found.columns and entry.label not in names:
            report.skip(f"the label {entry.label!r} is none of the classes" if entry.label else "the label is missing", entry.name)
            continue
        try:
            if entry.picture is not None:
                pictures.check(entry.picture)
        except pictures.Refused as refusal:
            report.skip(str(refusal), entry.name)
            continue
        yield entry


def refuse_empty(kept: Sequence[Entry], report: Report) -> None:
    counts = Counter(entry.split for entry in kept)
    empty = [name for name in SPLITS if not counts[name]]
    if empty:
        left = f"only {len(kept)} rows are left" if kept else "nothing is left"
        raise ValueError("; ".join([f"{left}: the {' and the '.join(empty)} split would be empty", *report.lines()]))


def samples(entries: Sequence[Entry], name: str, names: Sequence[str]) -> Iterator[Sample]:
    for entry in entries:
        if entry.split == name:
            image = pictures.stored(entry.picture) if entry.picture is not None else None
            yield Sample(image, entry.text, names.index(entry.label) if entry.label is not None else None)


def sizes(card: catalog.Card) -> str:
    rows = ", ".join(f"{count:,} {name}" for name, count in card.num_samples.items())
    return f"{rows}; {card.size_bytes / 1e6:.1f} MB" + (f"; classes {', '.join(card.classes)}" if card.classes else "")
