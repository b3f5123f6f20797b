"""The trainer: a folder with `config.json` in, `events.jsonl` and checkpoints out. It knows no dashboard."""

from __future__ import annotations

from pathlib import Path

# Raise it with every change after which the same config, data and seed no longer train the same weights: finished stages of
# older versions are then not reused.
VERSION = 1


def analyze_multimodal_sentiment(
    image: Path | str | bytes | None, text: str | None, model: Path | str | None = None
) -> tuple[str, dict[str, float]]:
    """Returns the likeliest class and the probability of each; see `trainer.predict`. Nothing is imported before it is called."""
    from trainer import predict

    return predict.analyze_multimodal_sentiment(image, text, model)
