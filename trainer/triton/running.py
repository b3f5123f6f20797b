"""A Triton that runs already: which of its models are a pipeline that we wrote, and what they say. Torch-free."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from tritonclient.http import InferRequestedOutput

from trainer.failures import ServerFailedError
from trainer.inputs import checked
from trainer.predict import softmax
from trainer.runtimes import INPUTS, ModelCard
from trainer.triton.client import Answered, Client
from trainer.triton.configs import RAW
from trainer.triton.samples import as_bytes

# Somebody waits at a page for it.
ANSWER_S = 10.0
MAX_MODELS, MAX_CLASSES, MAX_CHARACTERS = 50, 1000, 300
# What a model looks at, by what its pipeline asks a client for.
LOOKS_AT = {tuple(sorted(RAW[name] for name in names if name in RAW)): inputs for inputs, names in INPUTS.items()}


def connect(url: str) -> Client:
    """Takes http(s)://host:port. Where the server lies is nobody's business who asks it, so that no sentence says it."""
    parts = urlsplit(url)
    return Client("http", parts.netloc, is_secure=parts.scheme == "https", answer_s=ANSWER_S, called="The Triton server")


def offered(url: str) -> list[dict[str, str]]:
    """Returns `name` and `inputs` (as a model card has them) of each of our pipelines that is ready, of the first fifty models.

    Raises ServerFailedError when the server does not answer, or not as Triton does.
    """
    with connect(url) as client:
        try:
            index = client.call(client.triton.get_model_repository_index)
        except (Answered, ValueError) as error:
            raise ServerFailedError("What answers in place of the Triton server does not list its models as Triton does.") from error
        ready = sorted({each["name"] for each in index if each.get("state") == "READY"})
        found = {name: card_of(client, name) for name in ready[:MAX_MODELS]}
    return [{"name": name, "inputs": card.inputs} for name, card in found.items() if card]


def ask(url: str, model: str, image: bytes | None, text: str | None) -> dict[str, Any]:
    """Returns `class`, `probabilities` by their class, and `latency_ms` from the bytes to the probabilities, the network included.

    Raises ValueError for what cannot be used, ServerFailedError when the server does not answer or has no such pipeline ready.
    """
    with connect(url) as client:
        card = card_of(client, model)
        if card is None:
            raise ServerFailedError(f"The Triton server has no pipeline {model} that is ready.")
        given = client.prepared(as_bytes(card, *checked(card, image, text)))
        began = time.perf_counter()
        probabilities = answer(client, model, given)
        took_ms = (time.perf_counter() - began) * 1000
        runtime = f"Triton {client.version()}"
    best = max(probabilities, key=lambda name: probabilities[name])
    return {"class": best, "probabilities": probabilities, "latency_ms": round(took_ms, 2), "runtime": runtime}


def card_of(client: Client, model: str) -> ModelCard | None:
    """What the server tells of a model; None for one that is not ready, or is no pipeline of ours. It keeps sides and lengths to itself."""
    try:
        told = client.call(client.triton.get_model_metadata, model)
    except (Answered, ValueError):
        return None
    takes_bytes = all(each["datatype"] == "BYTES" for each in told["inputs"])
    inputs = LOOKS_AT.get(tuple(sorted(each["name"] for each in told["inputs"])))
    outputs = {each["name"] for each in told["outputs"] if each["datatype"] == "FP32"}
    if inputs is None or not takes_bytes or not outputs >= {"logits", "probabilities"}:
        return None
    return ModelCard(inputs=inputs, classes=(), image_size=0, max_tokens=0)


def answer(client: Client, model: str, given: list[Any]) -> dict[str, float]:
    """Asks for the classes by name, and for the logits, because Triton writes the probability beside a name with few digits.

    Raises ValueError with the server's own words for what it refuses.
    """
    outputs = [InferRequestedOutput("logits"), InferRequestedOutput("probabilities", class_count=MAX_CLASSES)]
    try:
        found = client.call(client.triton.infer, model, given, "", outputs)
    except Answered as error:
        raise ValueError(str(error).removeprefix(f"in ensemble '{model}', ")[:MAX_CHARACTERS]) from error
    return named(softmax(found.as_numpy("logits")[0]), found.as_numpy("probabilities")[0])


def named(scores_K: np.ndarray, entries: np.ndarray) -> dict[str, float]:
    """Takes entries `value:index:label` in any order; returns the scores by label in the order of the index."""
    labels: dict[int, str] = {}
    for entry in entries:
        _, index, *label = entry.decode().split(":", 2)
        labels[int(index)] = label[0] if label else index
    return {labels[index]: float(score) for index, score in enumerate(scores_K)}
