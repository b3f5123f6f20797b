"""Suggests a name for a run: an adjective, a noun and a number, easy to say and to tell apart."""

from __future__ import annotations

import secrets

ADJECTIVES = (
    "amber", "bold", "brisk", "calm", "clear", "crisp", "deep", "early", "fair", "fresh", "gentle", "golden", "happy", "keen", "kind",
    "late", "light", "lively", "lucid", "mild", "noble", "patient", "plain", "proud", "quick", "quiet", "rapid", "silver", "slow",
    "smooth", "soft", "steady", "still", "sunny", "swift", "tall", "tidy", "vivid", "warm", "wide",
)  # fmt: skip
NOUNS = (
    "alder", "badger", "beacon", "birch", "brook", "canyon", "cedar", "cliff", "comet", "coral", "delta", "falcon", "fern", "field",
    "fjord", "forest", "glacier", "harbor", "hazel", "heron", "island", "juniper", "kestrel", "lagoon", "larch", "lichen", "maple",
    "meadow", "orchid", "otter", "pebble", "pine", "prairie", "raven", "reef", "river", "sparrow", "thicket", "valley", "willow",
)  # fmt: skip


def suggest() -> str:
    return f"{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}-{100 + secrets.randbelow(900)}"
