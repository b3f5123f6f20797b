"""Asks peers for the same, in their own environment: starts `scripts/bench/peer_scripts.py` there and reads its rows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("peer_scripts.py")


def ask_peers(python: str, task: str, *numbers: int) -> list[dict[str, Any]]:
    """Peers that are not installed, or fail, are left out with a word about it."""
    rows = []
    for peer in ("tensorboard", "mlflow", "trackio"):
        command = [python, str(SCRIPT), peer, task, *map(str, numbers)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"{peer}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        else:
            rows += [{"who": peer, **row} for row in json.loads(done.stdout.strip().splitlines()[-1])]
    return rows
