"""The cast and the settings every test shares: alice owns, erin edits, bob views, charlie is a stranger."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before Django reads its settings: tests write into a folder of their own.
os.environ.setdefault("ANNEAL_DATA", tempfile.mkdtemp(prefix="anneal-test-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

import pytest
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from dashboard.accounts.models import Membership, Project, Role, User
from tests.cast import Cast

# A busy machine is no failure.
hypothesis_settings.register_profile("anneal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("anneal")


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path: Path) -> Path:
    """Runs, imported data sets and logs of one test lie in its own folder."""
    settings.DATA_DIR = tmp_path
    settings.RUNS_DIR = tmp_path / "runs"
    settings.DATASETS_DIR = tmp_path / "datasets"
    settings.MODELS_DIR = tmp_path / "models"
    # Tests make many people; a slow hash of their passwords would be most of the time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return tmp_path


@pytest.fixture
def cast(db) -> Cast:
    project = Project.objects.create(name="Sentiment", slug="sentiment")
    people = {name: User.objects.create_user(name, password=name) for name in ("alice", "erin", "bob", "charlie")}
    for name, role in (("alice", Role.OWNER), ("erin", Role.EDITOR), ("bob", Role.VIEWER)):
        Membership.objects.create(project=project, user=people[name], role=role)
    return Cast(project, **people)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    """A browser in which alice, the owner, is signed in."""
    client.force_login(cast.alice, backend="django.contrib.auth.backends.ModelBackend")
    return client
