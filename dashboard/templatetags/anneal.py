"""What every template has at hand: icons, badges, the stage strip, sparklines, and the product's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.modules import modules_of
from dashboard.numbers import age, duration, estimate, exact_rate, filesize, number, percent, points, rate, times
from dashboard.runs.freshness import words
from dashboard.runs.models import Status
from dashboard.runs.strip import segments

register = template.Library()
for each in (number, rate, exact_rate, percent, points, duration, estimate, age, filesize, times):
    register.filter(each.__name__, each)

SPRITE = "vendor/lucide-1.62.0/sprite.svg"
STATUS_ICONS = {
    "running": "loader-circle",
    "stopping": "circle-stop",
    "queued": "clock",
    "waiting": "clock",
    "paused": "circle-pause",
    "completed": "circle-check",
    "failed": "circle-x",
    "lost": "unplug",
    "stopped": "circle-stop",
    "skipped": "skip-forward",
    "reused": "repeat",
}


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """A drawing of the sprite; the words beside it carry the meaning."""
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, static(SPRITE), name)


@register.simple_tag
def module_preloads(*entries: str) -> SafeString:
    """Lets the browser fetch what these scripts import before it has read them."""
    names = dict.fromkeys(name for entry in entries for name in modules_of(entry))
    return format_html_join("\n", '<link rel="modulepreload" href="{}">', ((static(name),) for name in names))


@register.simple_tag
def status_badge(status: str, detail: str = "") -> SafeString:
    """Icon, word and tint of a state."""
    turning = "spinner" if status == "running" else ""
    word = Status(status).label
    words = f"{word} · {detail}" if detail else str(word)
    return format_html('<span class="badge {}">{}<span>{}</span></span>', status, icon(STATUS_ICONS[status], turning), words)


@register.inclusion_tag("runs/_stage_strip.html")
def stage_strip(stages: Sequence[Mapping[str, Any]], kind: str = "") -> dict[str, Any]:
    """A bar in proportion to steps. Kind: `mini` for the side bar, `tinted` where what is to come keeps its stage's colour, `plan` for
    stages nobody has run. A stage gives index, name, status, last_step, num_steps."""
    return {"segments": segments(stages, gap=0.6 if kind == "tinted" else 1.3), "kind": kind}


@register.filter
def colour(index: int) -> int:
    """The number of a stage's colour: from the sixth stage on they come round again."""
    return (index - 1) % 5 + 1


@register.filter
def freshness_word(word: str) -> str:
    return words()[word]


@register.filter
def precision(name: str) -> str:
    """A precision as people write it: INT8 PTQ."""
    return name.upper().replace("_", " ")


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    """A value by a key that a template has in a variable, or that holds a slash."""
    return mapping.get(key)
