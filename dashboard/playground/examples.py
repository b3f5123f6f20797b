"""Pairs to click: real comments with the picture their author used, from a test split; see static/examples/CREDITS.txt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """`label` is what people read in the comment, emoji included."""

    picture: str
    text: str
    label: str


EXAMPLES = [
    Example("examples/101.jpg", "Well said. And I love your username.", "positive"),
    Example("examples/642.jpg", "Thank you so much. that means a lot.", "positive"),
    Example("examples/1489.jpg", "I'm so sad for you, I'm so so sorry.", "negative"),
    Example("examples/853.jpg", "To me the toenails is the grossest part!", "negative"),
    Example("examples/1392.jpg", "Bengals are a quirky breed", "neutral"),
    Example("examples/1716.jpg", "From what the experts say his chances are like 0 so .", "neutral"),
]
