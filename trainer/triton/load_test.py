"""The verb `load-test`: serves an export by Triton, or asks a server that runs, and writes the deployment table point by point."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from trainer.config.serving import LoadTestJob
from trainer.events import EventLog
from trainer.failures import ServerFailedError
from trainer.job import run
from trainer.runtimes import CARD, ModelCard
from trainer.triton.client import Client, Protocol
from trainer.triton.configs import MODEL, PIPELINE
from trainer.triton.deployment import TABLE, costs, row
from trainer.triton.load import Clients
from trainer.triton.repository import write_repository
from trainer.triton.samples import num_tokens, raw_samples, requests
from trainer.triton.server import Server

MODELS = {"pipeline": PIPELINE, "model": MODEL}
REPOSITORY = "repository"
SERVER_LOG = "triton.txt"
# What computes where: told beside every table.
SHIM = "Triton from PyPI; the graph is computed by Anneal's stand-in for its ONNX Runtime backend"
GIVEN = "the server that was named"


def load_test(folder: Path, stop_asked: Callable[[], bool], doorbell: int | None = None) -> int:
    """Reads `config.json` (a LoadTestJob), writes `deployment.json` and the events; returns the exit status.

    Raises ValueError (pydantic's included) for what the user gave, ServerFailedError when Triton ends or does not answer.
    """
    job = LoadTestJob.model_validate_json((folder / "config.json").read_text())
    return run(folder, lambda events: work(job, folder, events), stop_asked, doorbell)


def work(job: LoadTestJob, folder: Path, events: EventLog) -> None:
    exported = Path(job.export)
    card = ModelCard.model_validate(json.loads((exported / CARD).read_text()))
    traffic = Traffic.of(card, Tokenizer.from_file(str(exported / "tokenizer.json")), job)
    table: dict[str, Any] = {"precision": job.precision, "entrance": job.entrance, "hourly_price": job.hourly_price, "rows": []}
    with served(job, folder, events) as addresses:
        with Client("http", addresses["http"]) as client:
            server = {"triton": client.version(), "backend": GIVEN if job.http else SHIM}
            table |= server
            events.emit("serving", **server)
            if not client.is_ready(traffic.model):
                raise ValueError(f"http: the server at {job.http} has no model {traffic.model} that is ready")
        for protocol in job.protocols:
            for concurrency in job.concurrencies:
                events.emit(
                    "preparing", what=f"{protocol.upper()}, {concurrency} at a time", done=len(table["rows"]), total=num_points(job)
                )
                found = point(job, traffic, protocol, addresses, concurrency)
                events.emit("served", **found)
                table["rows"].append(found)
                write(folder / TABLE, table)
    events.emit("finished", results={})


def num_points(job: LoadTestJob) -> int:
    return len(job.protocols) * len(job.concurrencies)


@dataclass(frozen=True)
class Traffic:
    """What is sent to which model, and how many tokens of it a request holds (None: it reads no text)."""

    model: str
    given: list[dict[str, np.ndarray]]
    num_tokens: float | None

    @classmethod
    def of(cls, card: ModelCard, tokenizer: Tokenizer, job: LoadTestJob) -> Traffic:
        samples = raw_samples(card, tokenizer)
        tokens = num_tokens(tokenizer, samples) if "tokens" in card.names else None
        return cls(MODELS[job.entrance], requests(card, tokenizer, job.entrance, samples), tokens)


@contextlib.contextmanager
def served(job: LoadTestJob, folder: Path, events: EventLog) -> Iterator[dict[Protocol, str]]:
    """The addresses of the server that was named, or of one that lives as long as this takes."""
    if job.http:
        yield {"http": job.http, "grpc": job.grpc}
        return
    events.emit("preparing", what="Writing the model repository")
    if not (folder / REPOSITORY).exists():
        write_repository(Path(job.export), folder / REPOSITORY, job.precision, job.serving)
    events.emit("exported", files={"repository": REPOSITORY})
    events.emit("preparing", what="Starting Triton and loading the model")
    with Server(folder / REPOSITORY, folder / SERVER_LOG) as server:
        yield {"http": server.http, "grpc": server.grpc}


def point(job: LoadTestJob, traffic: Traffic, protocol: Protocol, addresses: dict[Protocol, str], concurrency: int) -> dict[str, Any]:
    """Measures one protocol with so many clients. Raises ServerFailedError when not one of them was answered."""
    clients = Clients(protocol, addresses[protocol], traffic.model, traffic.given, concurrency)
    with Client("http", addresses["http"]) as watching:
        before = watching.executions(MODEL)
        took_s = clients.measure(job.seconds)
        batches = watching.executions(MODEL) - before
    seen = clients.seen
    if not seen.latencies_s:
        said = seen.errors.most_common(1)[0][0] if seen.errors else f"nothing within {job.seconds:g} s"
        raise ServerFailedError(f"Triton answered no request over {protocol.upper()}, {concurrency} at a time: {said}")
    found = row(seen.latencies_s, seen.errors, took_s, batches)
    return {
        "protocol": protocol,
        "concurrency": concurrency,
        **found,
        **costs(found["throughput_per_s"], job.hourly_price, traffic.num_tokens),
    }


def write(path: Path, table: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(table, indent=1) + "\n")
    partial.replace(path)
