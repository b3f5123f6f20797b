"""How fresh what a page shows is: live, slow, stale or lost, by the age of the newest point and of the worker's heartbeat.

`static/js/live/freshness.js` goes on judging by the same rules while the page is open; tests/freshness.json holds both to them.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

LIVE_S, SLOW_S, GONE_S = 5.0, 30.0, 10.0
LIVE_GAPS, SLOW_GAPS = 3, 10
# A worker says every 2 s that it lives, and a page hears of it every few.
BEAT_S = 3.0


def freshness(age_s: float, *, status: str = "running", interval_s: float = 0.0, heartbeat_s: float | None = None) -> str:
    """The limits follow the usual interval between points. No heartbeat for 10 s, and the run is lost, whatever its status says."""
    if status == "lost" or (heartbeat_s is not None and heartbeat_s > GONE_S):
        return "lost"
    if age_s < max(LIVE_S, LIVE_GAPS * interval_s):
        return "live"
    return "slow" if age_s < max(SLOW_S, SLOW_GAPS * interval_s) else "stale"


def words() -> dict[str, str]:
    """What the pages' scripts say of it."""
    return {
        "live": _("Live"),
        "slow": _("Slow"),
        "stale": _("Stale"),
        "lost": _("Lost"),
        "ago": _("{age} ago"),
        "last_point": _("Last point {age} ago"),
        "usual": _("usually every {time}"),
        "no_point": _("No point yet"),
        "heartbeat": _("heartbeat of {worker} {age} ago"),
        "heartbeat_only": _("Heartbeat {age} ago"),
        "connected": _("connected"),
        "not_connected": _("not connected for {age}"),
    }
