"""What an import left out and why, counted, with the first names."""

from __future__ import annotations

from collections import Counter, defaultdict

NUM_NAMES = 3


class Report:
    """Filled while a folder is read; `skipped` goes into the card of the data set."""

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.names: defaultdict[str, list[str]] = defaultdict(list)
        self.notes: list[str] = []

    def skip(self, reason: str, name: str) -> None:
        self.skipped[reason] += 1
        if len(self.names[reason]) < NUM_NAMES:
            self.names[reason].append(name)

    def lines(self) -> list[str]:
        left_out = [f"left out: {count:,} x {reason} ({self.examples(reason)})" for reason, count in self.skipped.most_common()]
        return [*left_out, *self.notes]

    def examples(self, reason: str) -> str:
        more = ", ..." if self.skipped[reason] > NUM_NAMES else ""
        return ", ".join(self.names[reason]) + more
