"""Asks an image + text network, as it stands between two steps, about the probes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from trainer.models.network import Network
from trainer.predict import predict
from trainer.runtimes import Arrays, card_of

Scores = dict[str, dict[str, float]]


class LiveRuntime:
    """The network as it stands, on whatever device; it is in evaluation mode while it is asked."""

    name = "PyTorch"

    def __init__(self, network: Network, tokenizer: Tokenizer, classes: list[str]) -> None:
        self.network, self.tokenizer, self.card = network, tokenizer, card_of(network, classes)
        self.device = next(network.parameters()).device

    def logits(self, arrays: Arrays) -> np.ndarray:
        self.network.eval()
        given = {name: torch.from_numpy(array).to(self.device) for name, array in arrays.items()}
        with torch.no_grad():
            found: np.ndarray = self.network(given.get("picture"), given.get("tokens"), given.get("mask")).float().cpu().numpy()
        return found


def score(network: Network, tokenizer: Tokenizer, classes: list[str], probes: Sequence[Mapping[str, Any]]) -> Scores:
    """Returns the probabilities by the probe's id.

    A probe that the model cannot be asked (it lacks what the model looks at) is left out. No random number is drawn.
    """
    runtime, found = LiveRuntime(network, tokenizer, classes), Scores()
    for probe in probes:
        image = base64.b64decode(probe["image_base64"]) if probe["image_base64"] else None
        if ("picture" in runtime.card.names and image is None) or ("tokens" in runtime.card.names and not probe["text"]):
            continue
        found[str(probe["id"])] = predict(runtime, image, probe["text"])[1]
    return found
