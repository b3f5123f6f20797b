"""Which modules a page's script imports, and they in turn: told in the head, they come side by side instead of one behind the other."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

# import ... from "./x.js"; export ... from "./x.js"; import "./x.js"
IMPORTS = re.compile(r"""^(?:import|export)\b(?:[^"';]*?\bfrom)?\s*"(\.[^"]+)";""", re.MULTILINE)


@cache
def modules_of(entry: str) -> tuple[str, ...]:
    """Returns the names of a script and of all modules behind it, the nearest first."""
    found = [entry]
    waiting = [entry]
    while waiting:
        name = waiting.pop(0)
        for each in imports_of(name):
            if each not in found:
                found.append(each)
                waiting.append(each)
    return tuple(found)


def imports_of(name: str) -> list[str]:
    path = finders.find(name)
    assert isinstance(path, str), f"{name} is no static file"
    return [posixpath.normpath(posixpath.join(posixpath.dirname(name), each)) for each in IMPORTS.findall(Path(path).read_text())]
