"""A few fixed examples that are asked at every checkpoint while a stage trains: `probes.json` beside the config names them. Torch-free."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE_NAME = "probes.json"


def read(folder: Path) -> list[dict[str, Any]]:
    """Returns `id`, `image_base64` and `text` of each probe; none without the file."""
    path = folder / FILE_NAME
    found: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return found
