"""Numbers as every page writes them: four significant digits, two-unit durations, one-unit ages, a true minus."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

MINUS, THIN_SPACE, MISSING = "−", "\u2009", "—"


def number(value: float | str | None, digits: int = 4) -> str:
    """Four significant digits; a whole number keeps all of its own, with separators. NaN is written out, missing is a dash."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else f"{MINUS}inf")
    if isinstance(value, int) or (value.is_integer() and abs(value) >= 1000):
        return f"{value:,.0f}".replace("-", MINUS)
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e6):
        return exact_rate(value)
    decimals = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def rate(value: float | None) -> str:
    """A learning rate, short: 3e-4, 2.5e-5."""
    if value is None:
        return MISSING
    mantissa, _sign, exponent = f"{value:.3e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}" if value else "0"


def exact_rate(value: float | None) -> str:
    """The same with all its digits, for tooltips: 3.000e-4."""
    if value is None:
        return MISSING
    mantissa, _sign, exponent = f"{value:.3e}".partition("e")
    return f"{mantissa.replace('-', MINUS)}e{int(exponent)}" if value else "0"


def percent(value: float | str | None, decimals: int = 2) -> str:
    """A share of 1 as percent with a thin space."""
    if value is None or value == "" or isinstance(value, str):
        return value or MISSING
    return f"{100 * value:.{decimals}f}{THIN_SPACE}%" if math.isfinite(value) else number(value)


def points(value: float | None) -> str:
    """A difference of shares in points, always signed, with a true minus."""
    if value is None:
        return MISSING
    text = f"{100 * value:+.2f}"
    return f"{'0.00' if float(text) == 0 else text.replace('-', MINUS)} pt"


def duration(seconds: float | None) -> str:
    """Two units: 2 d 03 h, 1 h 53 m, 58 m 04 s, 7.4 s."""
    if seconds is None:
        return MISSING
    if seconds < 60:
        return _("%(s)s s") % {"s": f"{seconds:.1f}" if seconds < 9.95 else f"{seconds:.0f}"}
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(m)d m %(s)02d s") % {"m": minutes, "s": rest}
    if minutes < 60 * 24:
        return _("%(h)d h %(m)02d m") % {"h": minutes // 60, "m": minutes % 60}
    return _("%(d)d d %(h)02d h") % {"d": minutes // 1440, "h": minutes % 1440 // 60}


def estimate(seconds: float | None) -> str:
    """A guess at a duration does not pretend to seconds: 40 s, 12 m, 1 h 14 m."""
    if seconds is None or seconds >= 3600:
        return duration(seconds)
    if seconds < 55:
        return _("%(s)s s") % {"s": max(10, 10 * round(seconds / 10))}
    return _("%(m)d m") % {"m": max(1, round(seconds / 60))}


def age(moment: datetime | None) -> str:
    """How long ago, one unit: 0.4 s, 14 s, 6 m, 2 h, 3 d."""
    if moment is None:
        return MISSING
    seconds = max(0.0, (timezone.now() - moment).total_seconds())
    for size, unit in ((86_400, pgettext("unit", "d")), (3_600, pgettext("unit", "h")), (60, pgettext("unit", "m"))):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.1, seconds):.1f} {pgettext('unit', 's')}" if seconds < 1 else f"{seconds // 1:.0f} {pgettext('unit', 's')}"


def filesize(value: float | None) -> str:
    """Decimal units: 85.1 MB."""
    if value is None:
        return MISSING
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} B"


def times(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1f}×"
