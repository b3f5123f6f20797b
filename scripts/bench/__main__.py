"""`python -m scripts.bench [NAME ...] [OPTIONS]`: runs benchmarks by name, each in a process of its own, and keeps their figures.

A benchmark is a module beside this one with a NAME and a `main(arguments)` that returns its rows.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# In the order in which they run; each by the module that has it.
BENCHMARKS = ("events", "steps", "watchers", "pixels", "paint", "series", "ingest", "listing", "playground")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Further options are the benchmark's: NAME --help lists them.", add_help=False
    )
    parser.add_argument("names", nargs="*", choices=[*known(), []], metavar="NAME")
    asked, options = parser.parse_known_args()
    names = asked.names or known()
    if len(names) == 1:
        # A benchmark may set a data folder of its own.
        target = Path(os.environ.get("ANNEAL_DATA", "var")) / "bench" / f"{names[0]}.json"
        keep(target, importlib.import_module(f"scripts.bench.{names[0]}").main(options))
        return 0
    return max(subprocess.run([sys.executable, "-m", "scripts.bench", name, *options], check=False).returncode for name in names)


def known() -> list[str]:
    return [name for name in BENCHMARKS if (Path(__file__).parent / f"{name}.py").exists()]


def keep(target: Path, rows: list[dict[str, Any]]) -> None:
    print(table(rows))
    target.parent.mkdir(parents=True, exist_ok=True)
    machine = {"processor": platform.processor(), "cores": os.cpu_count(), "python": platform.python_version()}
    target.write_text(json.dumps({"at": time.time(), **machine, "rows": rows}, indent=1) + "\n")
    print(f"written to {target}")


def table(rows: list[dict[str, Any]]) -> str:
    """The plain values of the rows in columns, numbers with four digits."""
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if not isinstance(rows[-1].get(name), list | dict)]
    lines = [names, *([shown(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main())
