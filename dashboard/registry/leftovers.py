"""Folders of versions that no row knows: a registration or a deletion that was cut short."""

from __future__ import annotations

import logging
import shutil
import time

from django.conf import settings

from dashboard.registry.models import Version

log = logging.getLogger(__name__)

# A registration writes its folder first and its row last; none takes as long as this.
AFTER_S = 86_400


def remove_leftovers() -> None:
    if not settings.MODELS_DIR.is_dir():
        return
    old = [path for path in settings.MODELS_DIR.iterdir() if path.stat().st_mtime < time.time() - AFTER_S]
    known = set(Version.objects.filter(place__in=[path.name for path in old]).values_list("place", flat=True))
    for path in old:
        if path.name not in known:
            log.info("the folder %s of no version is deleted", path.name)
            shutil.rmtree(path, ignore_errors=True)
