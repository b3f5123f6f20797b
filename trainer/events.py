"""The trainer's only output beside its checkpoints: `events.jsonl`, one JSON object a line, appended and never changed.

Kinds and their fields (all but the first three belong to a stage and carry `stage`, its index from 1):

- `preparing`  what (sentence); done and total where that can be counted
- `progressed` what (sentence), done, total
- `warned`     message
- `failed`     message, reason (bad_input, out_of_memory, no_space, not_a_number, server_failed, error)
- `started`    num_steps, first_step (the next to be made), resumed_from (step or null), device, num_threads,
               num_parameters, num_trainable
- `stepped`    step, metrics; among them `progress/...` (what the stage has read so far) and now and then `system/...`
- `skipped`    step, message, sources (data sets), last_good (step of a checkpoint, or null): the step was no number and changed nothing
- `went_back`  the same: the weights are those of that checkpoint again, the data goes on
- `evaluated`  step, split (validation or test), metrics
- `drawn`      step, sources: a list of {task, dataset, asked, seen, num_samples, num_tokens, epochs}; shares of 1
- `routed`     step, loads: per layer the share of the tokens of each expert
- `watched`    step, losses (data set -> validation loss), baseline (data set -> loss of a unigram model of the tokens that are asked for)
- `probed`     step, scores: of each probe of `probes.json`, by its id, the probabilities by class
- `saved`      step, checkpoint (path relative to the folder), size_bytes, is_final
- `stopped`    step, checkpoint
- `finished`   step, checkpoint, results (metric -> number)
- `measured`   precision, method, runtime, size_bytes, embedding_bytes, float_layers, latency_ms_p50 and _p99 (one sample), batch_size,
               batch_ms_p50 and _p99, throughput_per_s, cpu_ms_per_sample, peak_memory_bytes, num_samples, accuracy, macro_f1, the
               interval of each, f1_by_class, drop_interval (points), snr_db (null for what is exact), num_flipped, calibration;
               of a language model, whose samples are documents and whose accuracy is that of the next token, no F1 but split, num_tokens,
               loss, perplexity, bits_per_byte (or null), flipped_share, prompt_tokens (of what is timed), tokens_per_s
- `judged`     max_drop, drops (points of each INT8), winner, passes, flipped (path relative to the folder; empty where no samples
               flip): the export gate has spoken
- `serving`    triton (version of the server), backend (what computes the graph in it)
- `served`     protocol (http, grpc), concurrency, num_requests, num_errors, throughput_per_s, latency_ms_p50, latency_ms_p99,
               batch_sizes (size -> times computed), mean_batch_size, cost_per_1000_requests, cost_per_million_tokens (or null)
- `exported`   files (name -> path relative to the folder)
- `scored`     figures, samples (paths relative to the folder; samples may be null): an evaluation is whole
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from trainer.event_file import MAX_WAITING, LineFile

FILE_NAME = "events.jsonl"
PAGE_BYTES = 2**20
TAIL_BYTES = 2**16

LOSS = "train/loss"
LEARNING_RATE = "train/learning_rate"
GRAD_NORM = "train/grad_norm"
SAMPLES_PER_SECOND = "train/samples_per_second"
SAMPLES = "progress/samples"  # since the stage began
TOKENS = "progress/tokens"
TASK_WEIGHT = "train/weight"
DIFFICULTY = "train/difficulty"  # of what a curriculum drew, in deviations from the mean of its source
VALIDATION_LOSS = "validation/loss"
VALIDATION_ACCURACY = "validation/accuracy"

NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(value: float) -> float | str:
    """JSON has no NaN and no infinity: they travel as the strings "nan", "inf" and "-inf"."""
    try:
        number = float(value)
    except OverflowError:  # an integer of more than 308 digits
        number = math.copysign(math.inf, value > 0 or -1)
    if math.isfinite(number):
        return value if type(value) is int and abs(value) < 2**63 else number
    return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"


def decode(value: float | str) -> float:
    return NOT_FINITE[value] if isinstance(value, str) else float(value)


Tell = Callable[[str, Mapping[str, Any]], None]
NUMBERS = ("metrics", "results", "losses", "baseline")
OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
SURROGATES = re.compile("[\ud800-\udfff]")


def to_line(event: dict[str, Any]) -> bytes:
    """orjson writes NaN and infinity as null: a line with that word in it is written again with care, and so is what it refuses."""
    try:
        line = orjson.dumps(event, option=OPTIONS)
    except TypeError:
        return to_line_carefully(event)
    return to_line_carefully(event) if b"null" in line else line


def to_line_carefully(event: dict[str, Any]) -> bytes:
    """Raises ValueError for NaN and infinity anywhere else than in the fields of NUMBERS. Half a character becomes U+FFFD."""
    told = {name: {metric: encode(value) for metric, value in event[name].items()} for name in NUMBERS if name in event}
    text = json.dumps({**event, **told}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return SURROGATES.sub("\ufffd", text).encode() + b"\n"


class EventLog:
    """Appends events to a folder's `events.jsonl`; `seq` goes on where the file ended, a torn last line is cut off.

    `stepped` costs microseconds and is in the file 50 ms later at most; any other event is there, behind all before it, when
    `emit` returns. An error in between is raised by the next `emit`, which then takes no number.
    """

    def __init__(self, folder: Path, doorbell: int | None = None, tell: Tell | None = None) -> None:
        """`tell` hears of every event that was taken."""
        self.path, self.tell = folder / FILE_NAME, tell
        self.file = LineFile(self.path, cut_torn_tail(self.path), doorbell)

    def emit(self, kind: str, **fields: Any) -> None:
        """Numbers in `metrics`, `results`, `losses` and `baseline` may be NaN and infinity."""
        file = self.file
        if kind == "stepped":
            with file.lock:
                file.append(to_line({"seq": file.num_lines + 1, "at": time.time(), "kind": kind, **fields}))
            if len(file.waiting) >= MAX_WAITING:
                file.flush()
        else:
            with file.writing, file.lock:
                file.append(to_line({"seq": file.num_lines + 1, "at": time.time(), "kind": kind, **fields}))
                file.flush_held()
        if self.tell:
            self.tell(kind, fields)

    def close(self) -> None:
        self.file.close()


def cut_torn_tail(path: Path) -> int:
    """Cuts off a last line that was not written whole; returns the `seq` of the last event, 0 for a new file."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        size = start = file.seek(0, os.SEEK_END)
        data = b""
        while start and data.count(b"\n") < 2:
            start = max(start - TAIL_BYTES, 0)
            file.seek(start)
            data = file.read(size - start)
    whole = data.rfind(b"\n") + 1
    if start + whole < size:
        os.truncate(path, start + whole)
    lines = data[:whole].splitlines()
    return int(parse(lines[-1:])[0]["seq"]) if lines else 0


def read_from(path: Path, offset: int, max_bytes: int = -1) -> tuple[list[dict[str, Any]], int]:
    """Returns the whole events after a byte offset, and the offset behind the last of them.

    Reads `max_bytes`, and more only to the end of a line that is longer than that.
    """
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(max_bytes)
        while 0 < max_bytes <= len(data) and b"\n" not in data and (more := file.read(len(data))):
            data += more
    whole = data.rfind(b"\n") + 1
    return parse(data[:whole].splitlines()), offset + whole


def parse(lines: list[bytes]) -> list[dict[str, Any]]:
    try:
        return orjson.loads(b"[" + b",".join(lines) + b"]")  # type: ignore[no-any-return]
    except ValueError:
        return [json.loads(line) for line in lines]  # integers of any size


def events_in(path: Path) -> Iterator[dict[str, Any]]:
    """Yields every whole event of the file, of which only a page is in memory."""
    offset, reached = -1, 0
    while reached > offset:
        offset = reached
        events, reached = read_from(path, offset, PAGE_BYTES)
        yield from events


def metrics_of(event: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in event.get("metrics", {}).items():
        yield name, decode(value)
