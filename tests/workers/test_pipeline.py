"""What each way for a trainer to end means for the job, the attempt and the run."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DataError
from django.db.models.functions import Now

from dashboard.fleet.models import Worker
from dashboard.runs import lifecycle
from dashboard.runs.lifecycle import Lease
from dashboard.runs.models import Attempt, Job, Run, Stage, Status
from tests.cast import Cast
from tests.workers.conftest import RECORDING
from trainer import recipes
from trainer.evaluation import stored
from trainer.events import FILE_NAME
from workers import facts, pipeline

pytestmark = pytest.mark.django_db

REPLAY = f"(folder / 'events.jsonl').write_bytes(Path({str(RECORDING)!r}).read_bytes())"
# Waits until it is asked to stop, and says that it saved.
PATIENT = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\nprint('waiting', flush=True)\ntime.sleep(60)"
Replace = Callable[[str], None]
RunJob = Callable[[], bool]


def first_job(run: Run) -> Stage:
    return Stage.objects.get(run=run, index=1)


def status(run: Run) -> str:
    return Run.objects.values_list("status", flat=True).get(pk=run.pk)


def test_a_stage_that_ends_well_queues_the_next_one(run: Run, run_job: RunJob, fake_trainer: Replace) -> None:
    fake_trainer(REPLAY)
    assert run_job()
    assert list(Job.objects.filter(run=run).values_list("status", flat=True)) == ["completed", "queued", "waiting", "waiting"]
    assert status(run) == Status.RUNNING


def test_an_empty_queue_is_no_job(run_job: RunJob) -> None:
    assert not run_job()


def test_a_trainer_that_ends_without_a_result_is_tried_again(run: Run, run_job: RunJob, fake_trainer: Replace) -> None:
    fake_trainer("pass")
    run_job()
    assert first_job(run).status == Status.QUEUED
    assert Attempt.objects.get().error == "The trainer ended without a result. It printed nothing."


def test_bad_input_fails_at_once_with_the_trainers_own_words(run: Run, run_job: RunJob, fake_trainer: Replace) -> None:
    fake_trainer("print('stage.tasks: no such data set: unicorns', file=sys.stderr)\nsys.exit(2)")
    run_job()
    job = first_job(run)
    assert (job.status, job.error) == (Status.FAILED, "stage.tasks: no such data set: unicorns")
    assert status(run) == Status.FAILED
    assert not run_job()


def test_a_trainer_that_keeps_dying_gets_three_attempts(run: Run, run_job: RunJob, fake_trainer: Replace) -> None:
    fake_trainer("print('step 7', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)")
    assert [run_job() for _ in range(4)] == [True, True, True, False]
    job = first_job(run)
    assert job.status == Status.FAILED
    assert job.error == "The trainer was killed by SIGKILL, often because the system ran out of memory. Its last lines:\nstep 7"
    assert [attempt.outcome for attempt in Attempt.objects.all()] == ["failed"] * 3


def test_a_trainer_that_saves_between_deaths_gets_more_attempts(run: Run, run_job: RunJob, fake_trainer: Replace) -> None:
    """Three in a row without a new checkpoint are the limit, not three in all."""
    saved = {"seq": 1, "at": 1.0, "kind": "saved", "stage": 1, "step": 5, "checkpoint": "checkpoints/x", "size_bytes": 1, "is_final": False}
    fake_trainer(f"(folder / 'events.jsonl').write_text(json.dumps({saved!r}) + chr(10))\nsys.exit(1)")
    assert [run_job() for _ in range(5)] == [True] * 5
    fake_trainer("sys.exit(1)")
    assert [run_job() for _ in range(3)] == [True, True, False]
    assert first_job(run).status == Status.FAILED


@pytest.mark.parametrize(
    ("reason", "after"), [("not_a_number", Status.FAILED), ("out_of_memory", Status.QUEUED), ("no_space", Status.QUEUED)]
)
def test_the_trainers_reason_decides_whether_another_attempt_helps(
    run: Run, run_job: RunJob, fake_trainer: Replace, reason: str, after: Status
) -> None:
    failed = json.dumps({"seq": 1, "at": 1.0, "kind": "failed", "message": "it went wrong", "reason": reason})
    fake_trainer(f"(folder / 'events.jsonl').write_text({failed!r} + chr(10))\nsys.exit(1)")
    run_job()
    assert first_job(run).status == after
    assert Attempt.objects.get().error == "it went wrong"


def test_a_full_disk_is_named(run: Run, run_job: RunJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/runs")

    monkeypatch.setattr(pipeline, "hand_over", no_space)
    assert [run_job() for _ in range(4)] == [True, True, True, False]
    assert first_job(run).error == "No space left on the worker's disk (/data/runs)."


def test_a_job_that_no_worker_can_run_fails_with_the_reason(run: Run, run_job: RunJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not go round for ever."""

    def stumble(*given: object) -> None:
        raise ValueError("the config of another version")

    monkeypatch.setattr(pipeline, "hand_over", stumble)
    assert [run_job() for _ in range(4)] == [True, True, True, False]
    assert first_job(run).error == "The worker could not run this job: ValueError: the config of another version"


@pytest.mark.parametrize("ends", [True, False])
def test_what_the_database_refuses_fails_the_job_instead_of_going_round(
    run: Run, run_job: RunJob, fake_trainer: Replace, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    def refuse(*given: object) -> None:
        raise DataError("value too long for type character varying(80)")

    fake_trainer(REPLAY if ends else f"{REPLAY}\ntime.sleep(60)")
    monkeypatch.setitem(facts.KINDS, "started", refuse)
    assert [run_job() for _ in range(4)] == [True, True, True, False]
    assert first_job(run).status == Status.FAILED
    assert first_job(run).error.startswith("The worker could not run this job: DataError: value too long")


def test_a_stop_request_ends_the_stage_and_the_run(
    run: Run, cast: Cast, run_job: RunJob, fake_trainer: Replace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_trainer(PATIENT)
    when_it_waits(monkeypatch, lambda: lifecycle.request_stop(run, cast.alice))
    run_job()
    assert (first_job(run).status, status(run)) == (Status.STOPPED, Status.STOPPED)
    assert Attempt.objects.get().outcome == "stopped"


def test_a_trainer_that_does_not_stop_is_killed(
    run: Run, cast: Cast, run_job: RunJob, fake_trainer: Replace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_trainer("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('waiting', flush=True)\ntime.sleep(60)")
    monkeypatch.setattr(pipeline, "STOP_GRACE_S", 0.3)
    when_it_waits(monkeypatch, lambda: lifecycle.request_stop(run, cast.alice))
    run_job()
    assert first_job(run).status == Status.STOPPED


def test_a_worker_that_shuts_down_gives_the_job_back(
    run: Run, worker: Worker, fake_trainer: Replace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_trainer(PATIENT)
    shutting_down = threading.Event()
    when_it_waits(monkeypatch, shutting_down.set)
    assert pipeline.run_next(worker, shutting_down)
    assert (first_job(run).status, status(run)) == (Status.QUEUED, Status.QUEUED)
    assert Attempt.objects.get().outcome == "released"


def test_a_lost_lease_ends_the_trainer_and_changes_nothing_more(
    run: Run, run_job: RunJob, fake_trainer: Replace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_it() -> None:
        Attempt.objects.update(lease_until=Now() - timedelta(seconds=1))
        lifecycle.expire()

    fake_trainer(PATIENT + f"\n{REPLAY}")
    when_it_waits(monkeypatch, lose_it)
    assert run_job()
    assert (first_job(run).status, status(run)) == (Status.QUEUED, Status.LOST)
    assert Attempt.objects.get().outcome == "lost"


def when_it_waits(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Does something once, as soon as the trainer has printed its first line."""
    pump, done = pipeline.pump, threading.Event()

    def pump_and_act(relay: pipeline.Relay) -> str:
        if relay.attempt.log_offset and not done.is_set():
            done.set()
            action()
        return pump(relay)

    monkeypatch.setattr(pipeline, "pump", pump_and_act)


def test_the_next_attempt_starts_from_the_newest_checkpoint_even_if_nobody_had_relayed_it(
    lease: Lease, run: Run, run_job: RunJob, fake_trainer: Replace
) -> None:
    attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    checkpoint = attempt.folder / "checkpoints" / "stage-1-step-000010"
    checkpoint.mkdir(parents=True)
    saved = {"seq": 1, "at": 1.0, "kind": "saved", "stage": 1, "step": 10, "checkpoint": "checkpoints/stage-1-step-000010"}
    (attempt.folder / FILE_NAME).write_text(json.dumps(saved) + "\n")
    Attempt.objects.update(lease_until=Now() - timedelta(seconds=1))
    lifecycle.expire()
    fake_trainer("print((folder / 'config.json').read_text())\nsys.exit(2)")
    run_job()
    given = json.loads((attempt.folder.parent / "attempt-2" / "config.json").read_text())
    assert given["resume"] == str(checkpoint)
    assert Path(given["resume"]).is_dir()


def test_a_stage_whose_end_nobody_had_relayed_is_not_trained_again(lease: Lease, run: Run, run_job: RunJob, fake_trainer: Replace) -> None:
    attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    attempt.folder.mkdir(parents=True)
    (attempt.folder / FILE_NAME).write_bytes(RECORDING.read_bytes())
    Attempt.objects.update(lease_until=Now() - timedelta(seconds=1))
    lifecycle.expire()
    fake_trainer("sys.exit('nobody should have started me')")
    run_job()
    assert first_job(run).status == Status.COMPLETED
    assert not (attempt.folder.parent / "attempt-2").exists()


def test_a_whole_tiny_run_trains_and_is_measured(cast: Cast, run_job: RunJob) -> None:
    """With the real trainer: three stages, each on top of the one before, then the evaluation and the quantization."""
    run = cast.submit("whole", recipes.load()["sentiment-tiny"].config)
    assert [run_job() for _ in range(6)] == [True, True, True, True, True, False]
    assert status(run) == Status.COMPLETED
    stages = list(run.stages)
    assert [stage.last_step for stage in stages] == [stage.num_steps for stage in stages]
    assert "test/accuracy" in stages[-1].results
    parents = [json.loads((run.folder / f"job-{index}/attempt-1/config.json").read_text())["parent"] for index in (1, 2, 3)]
    assert parents == [None, *(str(run.folder.parent / stage.checkpoint) for stage in stages[:2])]
    quantization = run.jobs.get(position=4).quantization
    assert [row["precision"] for row in quantization.rows] == ["fp32_eager", "fp32", "bf16", "int8_ptq", "int8_qat"]
    evaluation = run.jobs.get(position=5).evaluation
    assert evaluation.figures["test/accuracy"] == pytest.approx(stages[-1].results["test/accuracy"])
    assert len(stored.worst(run.folder.parent / evaluation.samples, 3)) == 3
