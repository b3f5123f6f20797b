"""Copies the front-end libraries into the repository: `package.json` names them, `dashboard/static/vendor/` holds what the page loads.

Needs npm; people who run Anneal do not. Icons become one sprite of those we use. `manifest.json` keeps every file's sha256.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "dashboard" / "static" / "vendor"

FILES = {
    "uplot": ["dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE"],
    "htmx.org": ["dist/htmx.min.js", "LICENSE"],
    "@fontsource-variable/inter": ["files/inter-latin-wght-normal.woff2", "LICENSE"],
    "@fontsource/ibm-plex-mono": ["files/ibm-plex-mono-latin-400-normal.woff2", "LICENSE"],
    "lucide-static": ["LICENSE"],
}
ICONS = [
    "arrow-down", "arrow-left", "arrow-right", "arrow-up", "book-open", "bookmark", "boxes", "chart-line", "check", "chevron-down",
    "chevron-left", "chevron-right", "chevron-up", "circle-alert", "circle-check", "circle-pause", "circle-play", "circle-stop", "circle-x",
    "clock", "copy", "cpu", "database", "download", "ellipsis", "expand", "eye", "eye-off", "file-text", "flask-conical",
    "git-compare", "git-fork", "hard-drive", "history", "house", "image", "info", "keyboard", "key-round", "languages", "layers",
    "link", "list", "loader-circle", "lock", "log-out", "maximize", "menu", "message-square", "monitor", "moon", "pencil", "play",
    "pin", "plus", "refresh-cw", "regex", "repeat", "rotate-ccw", "save", "scroll-text", "search", "server", "settings", "shield-check",
    "skip-forward", "sliders-horizontal", "sun", "table", "terminal", "trash-2", "triangle-alert", "trophy", "undo-2", "unplug",
    "upload", "user-check", "user-plus", "users", "x", "zap",
]  # fmt: skip


def folder_name(package: str, version: str) -> str:
    return f"{package.rpartition('/')[2].removesuffix('.org').removesuffix('-static')}-{version}"


def copy(package: str, source: Path) -> Path:
    version = json.loads((source / "package.json").read_text())["version"]
    target = VENDOR / folder_name(package, version)
    target.mkdir(parents=True)
    for name in FILES[package]:
        shutil.copy(source / name, target / Path(name).name)
    return target


def sprite(source: Path, target: Path) -> None:
    """One symbol per icon; stroke and size come from the stylesheet."""
    symbols = []
    for name in ICONS:
        drawing = (source / "icons" / f"{name}.svg").read_text()
        inner = re.sub(r".*<svg[^>]*>(.*)</svg>.*", r"\1", drawing, flags=re.DOTALL)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(inner.split())}</symbol>')
    (target / "sprite.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n")


def manifest() -> dict[str, str]:
    files = sorted(path for path in VENDOR.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(ROOT / name, work)
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=work, check=True)
        modules = Path(work) / "node_modules"
        for package in FILES:
            target = copy(package, modules / package)
            if package == "lucide-static":
                sprite(modules / package, target)
    (VENDOR / "manifest.json").write_text(json.dumps(manifest(), indent=1) + "\n")


if __name__ == "__main__":
    main()
