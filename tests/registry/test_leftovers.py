"""What a registration that was cut short has left is removed by the workers; what belongs to a version stays."""

from __future__ import annotations

import os
import threading
import time

import pytest
from django.conf import settings

from tests.cast import Cast
from tests.registry.made import finished, registered
from workers import retention

pytestmark = pytest.mark.django_db


def test_old_folders_of_no_version_go(cast: Cast) -> None:
    version = registered(cast, finished(cast))
    names = {"old": 2, "young": 0.5, version.place: 2}
    for name, days in names.items():
        path = settings.MODELS_DIR / name
        path.mkdir(exist_ok=True)
        at = time.time() - days * 86_400
        os.utime(path, (at, at))
    retention.prune(threading.Event())
    assert {path.name for path in settings.MODELS_DIR.iterdir()} == {"young", version.place}


def test_without_models_there_is_nothing_to_do(db) -> None:
    retention.prune(threading.Event())
    assert not settings.MODELS_DIR.exists()
