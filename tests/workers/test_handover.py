"""What a trainer is handed: the stage, the tasks of the whole run to be asked about, and the checkpoint it starts from."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dashboard.accounts.models import Project
from dashboard.fleet.models import Worker
from dashboard.playground.models import Probe
from dashboard.runs import lifecycle
from dashboard.runs.fork import fork
from dashboard.runs.models import Attempt, Kind, Run, Stage
from tests.cast import Cast
from tests.runs.finished import finish_stages, folder, tiny, with_last_stage
from trainer import catalog, config, probes
from trainer.catalog import Card
from workers.handover import hand_over, stage_job

pytestmark = pytest.mark.django_db


def next_attempt(worker: Worker) -> Attempt:
    lease = lifecycle.claim(worker)
    assert lease is not None
    return Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)


def key_of(attempt: Attempt) -> str:
    return Stage.objects.values_list("key", flat=True).get(pk=attempt.job_id)


@pytest.fixture
def change_data(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives every data set another fingerprint."""
    load = catalog.load

    def change(fingerprint: str) -> None:
        def changed(folders: object) -> dict[str, Card]:
            return {name: card.model_copy(update={"fingerprint": fingerprint}) for name, card in load().items()}

        monkeypatch.setattr("dashboard.runs.reuse.catalog.load", changed)

    return change


def test_the_tasks_of_the_whole_run_are_watched_each_with_its_data_once() -> None:
    first, second = (config.CausalLanguageModelling(sources=({"dataset": name},)) for name in ("a", "b"))
    again = config.CausalLanguageModelling(weight=3, sources=({"dataset": "a", "share": 4},))
    other = config.InstructionTuning(sources=({"dataset": "a"},))
    both = config.CausalLanguageModelling(sources=({"dataset": "a"}, {"dataset": "b"}))
    turned = config.CausalLanguageModelling(sources=({"dataset": "b"}, {"dataset": "a"}))
    groups = ((first,), (second, other), (again,), (both,), (turned,))
    stages = tuple(config.Stage(name="s", steps=1, tasks=tasks) for tasks in groups)
    run = config.Run(model=config.CausalLanguageModel(), stages=stages, quantization=None)
    assert run.watched == (first, second, other, both)


def test_the_job_carries_what_the_run_says_of_tensorboard(cast: Cast, worker: Worker) -> None:
    run = cast.submit("run", tiny(tensorboard=True))
    attempt = next_attempt(worker)
    hand_over(attempt, "stage")
    written = config.parse(json.loads((attempt.folder / "config.json").read_text()))
    assert isinstance(written, config.StageJob)
    assert written.tensorboard
    assert written.watched == config.Run.model_validate(run.config).watched
    assert written.parent is None


def test_a_stage_behind_a_reused_one_starts_from_the_weights_of_who_trained_it(cast: Cast, worker: Worker) -> None:
    parent = finish_stages(cast.submit("parent", tiny()))
    fork(parent, 3, cast.alice, "child", with_last_stage(tiny(), seed=5))
    job = stage_job(next_attempt(worker))
    assert (job.index, job.parent, job.resume) == (3, str(folder(parent.stages[1])), None)


def test_a_key_is_made_of_the_data_that_is_there_when_the_trainer_starts(
    cast: Cast, worker: Worker, change_data: Callable[[str], None]
) -> None:
    run = cast.submit("run", tiny())
    submitted = run.stages[0].key
    change_data("new")
    attempt = next_attempt(worker)
    stage_job(attempt)
    assert key_of(attempt) not in ("", submitted)
    assert set(Stage.objects.get(pk=attempt.job_id).inputs["data"].values()) == {"new"}


def test_a_stage_that_goes_on_with_the_same_data_keeps_its_key(cast: Cast, worker: Worker) -> None:
    run: Run = cast.submit("run", tiny())
    attempt = next_attempt(worker)
    stage_job(attempt)
    save(attempt)
    again = next_attempt(worker)
    assert stage_job(again).resume is not None
    assert key_of(again) == run.stages[0].key


def test_a_stage_that_goes_on_with_other_data_is_nobodys_twin(cast: Cast, worker: Worker, change_data: Callable[[str], None]) -> None:
    run: Run = cast.submit("run", tiny())
    attempt = next_attempt(worker)
    stage_job(attempt)
    before = key_of(attempt)
    save(attempt)
    change_data("new")
    again = next_attempt(worker)
    stage_job(again)
    mixed = key_of(again)
    new = cast.submit("new", tiny()).stages[0].key
    assert len({before, mixed, new, run.stages[1].key}) >= 3
    assert mixed not in (before, new)


def save(attempt: Attempt) -> None:
    """Leaves a checkpoint and gives the job back."""
    (attempt.folder / "checkpoints" / "half").mkdir(parents=True)
    lease = lifecycle.Lease(attempt.job.run_id, attempt.job_id, attempt.pk, attempt.number, "stage")
    path = str((attempt.folder / "checkpoints" / "half").relative_to(attempt.job.run.folder.parent))
    Attempt.objects.filter(pk=attempt.pk).update(checkpoint=path)
    lifecycle.release(lease)


def test_the_project_s_probes_are_handed_over_with_a_stage(cast: Cast, worker: Worker) -> None:
    cast.submit("first", tiny())
    first = next_attempt(worker)
    hand_over(first, Kind.STAGE)
    assert probes.read(first.folder) == []
    probe = Probe.objects.create(project=cast.project, text="Well said.", picture=b"jpeg")
    Probe.objects.create(project=Project.objects.create(name="Another", slug="another"), text="Not theirs.")
    hand_over(first, Kind.STAGE)
    assert probes.read(first.folder) == [{"id": probe.pk, "image_base64": "anBlZw==", "text": "Well said."}]
