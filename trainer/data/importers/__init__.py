"""The verb `import`: reads a folder that people have and writes a data set, whole or not at all, with a report of what was left out."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from trainer import catalog
from trainer.config import DatasetName
from trainer.data.importers import classes, code, hub, lines, mvsa, pictures, table
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
    check_origin(options.origin, found)
    target = write(options.to / options.name, found, wanted, options, report, print)
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


def check_origin(origin: str | None, found: Found) -> None:
    if origin and "instruction" not in found.columns:
        raise ValueError("--origin has an effect on instructions alone")


def read(options: argparse.Namespace, report: Report) -> Found:
    """Reads by the given format, or by what lies in the folder."""
    source: Path | None = options.source
    if options.format == "equations":
        return made_up(options)
    if source is None:
        raise ValueError("source: name the folder to read")
    if options.format == "datasets":
        refuse_options(options, "datasets")
        return hub.read(str(source), report)
    if not source.is_dir():
        raise ValueError(f"source: {source} is no folder")
    form = options.format if options.format != "auto" else detect(source)
    refuse_options(options, form)
    if form == "mvsa":
        return mvsa.read(source, report, options.split_file, consistent_only=options.consistent_only)
    return READERS[form](source, report)


def refuse_options(options: argparse.Namespace, form: str) -> None:
    if form != "mvsa" and (options.split_file or options.consistent_only):
        raise ValueError("--split-file and --consistent-only have an effect on MVSA alone")
    if form != "equations" and options.count is not None:
        raise ValueError("--count has an effect on equations alone")
    if form not in LABELLED and options.classes:
        raise ValueError(f"--classes has no effect on {form}: it has no labels")


def made_up(options: argparse.Namespace) -> Found:
    """Reads nothing: the problems come from a seed. Raises ValueError without a number of them."""
    from trainer.data.equations import generate

    refuse_options(options, "equations")
    if options.source is not None:
        raise ValueError("source: equations are made up, there is no folder to read")
    if options.count is None or options.count < 1:
        raise ValueError("--count: say how many equations to make up")
    fields = [{"problem": problem, "solution": solution} for problem, solution in generate(options.count, options.seed)]
    entries = [Entry(f"equation {number}", fields=each) for number, each in enumerate(fields, 1)]
    return Found(entries, ("problem", "solution"), f"{options.count:,} equations made up from the seed {options.seed}.")


READERS: dict[str, Callable[[Path, Report], Found]] = {
    "table": table.read,
    "classes": classes.read,
    "code": code.read,
    "jsonl": lines.read,
}
LABELLED = ("table", "classes", "mvsa", "datasets")


def detect(source: Path) -> str:
    if mvsa.find(source):
        return "mvsa"
    return "table" if table.find(source) else "classes"


def write(target: Path, found: Found, wanted: Sequence[str], options: argparse.Namespace, report: Report, say: Say) -> Path:
    """Checks every row, splits what is left, writes it. Raises ValueError when a split would be empty."""
    names = list(wanted) or sorted({entry.label for entry in found.entries if entry.label})
    kept = split(list(usable(found, names, report, say)), options.seed)
    refuse_empty(kept, report)
    write_dataset(
        target,
        {name: samples(kept, name, names) for name in SPLITS},
        found.columns,
        title=target.name,
        description=found.description,
        classes=names if "label" in found.columns else [],
        **({"origin": options.origin} if options.origin else {}),
        licence="made up, free of rights" if options.format == "equations" else "as the source",
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
            yield Sample(image, entry.text, names.index(entry.label) if entry.label is not None else None, entry.fields)


def sizes(card: catalog.Card) -> str:
    rows = ", ".join(f"{count:,} {name}" for name, count in card.num_samples.items())
    return f"{rows}; {card.size_bytes / 1e6:.1f} MB" + (f"; classes {', '.join(card.classes)}" if card.classes else "")
