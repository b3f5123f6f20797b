"""Steps that are no numbers: what the rule of a stage makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer import small
from tests.trainer.attempts import events_of
from trainer import checkpoint, stage
from trainer.bad_steps import MAX_OVERFLOWS, Health
from trainer.config import StageJob
from trainer.events import EventLog
from trainer.failures import NotANumberError
from trainer.families.image_text import ImageTextLearner
from trainer.families.learner import Part
from trainer.loop import Training, fit
from trainer.manifest import digest
from trainer.stage import prepare
from trainer.stage import resume as go_on


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write_pairs(tmp_path_factory.mktemp("datasets"))


def weights_of(made: Training) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in made.network.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[int]], None]:
    """Makes the loss of the given steps NaN."""
    kept = Training.total

    def arm(steps: set[int]) -> None:
        def total(self: Training, *arguments: Any) -> torch.Tensor:
            return kept(self, *arguments) * (math.nan if self.step in steps else 1)

        monkeypatch.setattr(Training, "total", total)

    return arm


def run(datasets: Path, folder: Path, **fields: Any) -> Training:
    made = small.training(datasets, checkpoint_interval=4, **fields)
    with closing(EventLog(folder)) as events:
        fit(made, events, folder, lambda: False)
    return made


def test_a_nan_stops_and_names_step_data_and_checkpoint(datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]) -> None:
    poison({6})
    with pytest.raises(NotANumberError, match=r"train/loss is nan at step 6, on data of pairs; the last checkpoint is of step 4"):
        run(datasets, tmp_path)


@pytest.mark.parametrize("interval", [1, 5])
def test_a_skipped_step_changes_nothing(datasets: Path, tmp_path: Path, interval: int, poison: Callable[[set[int]], None]) -> None:
    poison({2})
    made = small.training(datasets, not_a_number="skip", report_interval=interval)
    made.train_step()
    before = weights_of(made)
    made.train_step()
    assert same(before, weights_of(made))
    made.train_step()
    assert not same(before, weights_of(made))


@pytest.fixture
def bad_pictures(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes every pixel of the step's pictures NaN."""
    kept = ImageTextLearner.draw

    def arm(bad: int) -> None:
        def draw(self: ImageTextLearner, step: int) -> list[Part]:
            parts = kept(self, step)
            for batches in (part.batch for part in parts if step == bad):
                batches.update({kind: replace(batch, pictures=batch.pictures * math.nan) for kind, batch in batches.items()})
            return parts

        monkeypatch.setattr(ImageTextLearner, "draw", draw)

    return arm


def test_statistics_forget_the_input_of_a_skipped_step(datasets: Path, bad_pictures: Callable[[int], None]) -> None:
    bad_pictures(3)
    made = small.training(datasets, not_a_number="skip", accumulation=2)
    statistics = [name for name, _ in made.network.named_buffers() if "running" in name]
    seen = [weights_of(made)]
    for _ in range(4):
        values = made.train_step().values
        assert math.isfinite(values["train/loss"]) == (made.step != 3)
        seen.append(weights_of(made))
    assert statistics
    assert same(seen[2], seen[3])
    assert all(each.isfinite().all() for each in seen[4].values())
    assert not any(torch.equal(seen[3][name], seen[4][name]) for name in statistics)


def test_a_skipped_step_is_said_with_its_data(datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]) -> None:
    poison({2, 6})
    run(datasets, tmp_path, not_a_number="skip")
    assert [(event["step"], event["last_good"], event["sources"]) for event in events_of(tmp_path, "skipped")] == [
        (2, None, ["pairs"]),
        (6, 4, ["pairs"]),
    ]
    assert len(events_of(tmp_path, "stepped")) == 10


def test_a_bad_step_names_the_data_of_its_own_batch(datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]) -> None:
    """One sample a step, of two sources in equal shares: they take turns, the first one first."""
    small.write_pairs(datasets, "others", seed=500)
    poison({2, 5})
    made = small.training(datasets, small.task("sentiment", "pairs", "others"), model={"inputs": "text"}, batch_size=1, not_a_number="skip")
    with closing(EventLog(tmp_path)) as events:
        fit(made, events, tmp_path, lambda: False)
    assert [(event["step"], event["sources"]) for event in events_of(tmp_path, "skipped")] == [(2, ["others"]), (5, ["pairs"])]


def test_going_back_takes_the_weights_of_the_last_checkpoint(datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]) -> None:
    poison({6})
    made = run(datasets, tmp_path, not_a_number="go_back")
    (said,) = events_of(tmp_path, "went_back")
    assert (said["step"], said["last_good"]) == (6, 4)
    assert all(torch.isfinite(each).all() for each in made.network.parameters())
    assert [event["step"] for event in events_of(tmp_path, "stepped")] == list(range(1, 11))


def test_going_back_takes_the_newest_checkpoint_that_is_whole(datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]) -> None:
    poison({10})
    attempt(datasets, tmp_path, stop_at=9)
    damage(tmp_path / "checkpoints" / "stage-1-step-000008")
    made = attempt(datasets, tmp_path)
    assert [(event["step"], event["last_good"]) for event in events_of(tmp_path, "went_back")] == [(10, 4)]
    assert "stage-1-step-000008: model.safetensors" in events_of(tmp_path, "warned")[0]["message"]
    assert all(torch.isfinite(each).all() for each in made.network.parameters())


def test_without_a_whole_checkpoint_there_is_nothing_to_go_back_to(
    datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]
) -> None:
    poison({6})
    attempt(datasets, tmp_path, stop_at=5)
    damage(tmp_path / "checkpoints" / "stage-1-step-000004")
    with pytest.raises(NotANumberError, match="train/loss is nan at step 6, on data of pairs; there is no checkpoint yet"):
        attempt(datasets, tmp_path)


def damage(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")


def attempt(datasets: Path, folder: Path, stop_at: int = 0, resume: Path | None = None, **fields: Any) -> Training:
    """Goes on where the folder, or the checkpoint that is named, was left; a checkpoint is due every 4 of 16 steps."""
    fields = {"steps": 16, "checkpoint_interval": 4, "validation_interval": 16, "not_a_number": "go_back", **fields}
    job = StageJob.model_validate(small.job(**fields) | {"resume": str(resume) if resume else None})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(job.model_dump_json())
    made = prepare(job, [datasets], job.stage.steps or 0)
    with closing(EventLog(folder)) as events:
        go_on(made, folder, events)
        fit(made, events, folder, lambda: made.step == stop_at)
    return made


def stopped_at(datasets: Path, folder: Path, stops: list[int], *, apart: bool, **fields: Any) -> Training:
    """One attempt a stop and one to the end, in one folder, or each in a folder of its own as workers do it."""
    resume = None
    for number, stop in enumerate(stops):
        here = folder / str(number) if apart else folder
        attempt(datasets, here, stop, resume if apart else None, **fields)
        resume = here / "checkpoints" / checkpoint.name_of(1, stop)
    return attempt(datasets, folder / "last" if apart else folder, 0, resume if apart else None, **fields)


def digests(made: Training, folder: Path) -> dict[str, str]:
    target, _size = made.save(folder, is_final=True)
    return {path.name: digest(path) for path in target.iterdir()}


STOPS: dict[str, tuple[set[int], list[int], int]] = {
    "between the checkpoint and the bad step": ({7}, [5, 6], 1),
    "so often that no other checkpoint would be left": ({7, 11}, [1, 5, 6, 9, 10], 1),
    "at the bad step": ({7}, [7], 1),
    "between the bad step and its report": ({6}, [6, 7], 16),
    "between the bad step and its report, often": ({10}, [9, 10, 11], 16),
    "behind having gone back": ({6, 11}, [9, 11, 13], 3),
}


@pytest.mark.parametrize("apart", [False, True], ids=["in one folder", "in folders of their own"])
@pytest.mark.parametrize(("bad", "stops", "report_interval"), STOPS.values(), ids=STOPS)
def test_a_stopped_stage_goes_back_as_an_undisturbed_one(
    bad: set[int], stops: list[int], report_interval: int, apart: bool, datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]
) -> None:
    poison(bad)
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    expected = attempt(datasets, calm, report_interval=report_interval)
    made = stopped_at(datasets, disturbed, stops, apart=apart, report_interval=report_interval)
    folders = sorted(disturbed.iterdir()) if apart else [disturbed]
    returns = [(event["step"], event["last_good"]) for folder in folders for event in events_of(folder, "went_back")]
    assert returns == [(event["step"], event["last_good"]) for event in events_of(calm, "went_back")]
    assert [step for step, _ in returns] == sorted(bad)
    assert digests(made, tmp_path / "made") == digests(expected, tmp_path / "expected")


def test_steps_behind_a_nan_that_was_reported_late_count_once(datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]) -> None:
    poison(set(range(6, 20)))
    run(datasets, tmp_path, not_a_number="go_back", report_interval=20, steps=24, validation_interval=24)
    assert len(events_of(tmp_path, "went_back")) <= 4  # one a checkpoint interval, and none for each lost step
    assert len(events_of(tmp_path, "stepped")) == 24


def test_a_loss_that_stays_nan_ends_the_stage(datasets: Path, tmp_path: Path, poison: Callable[[set[int]], None]) -> None:
    poison(set(range(5, 100)))
    with pytest.raises(NotANumberError, match="step 15"):
        run(datasets, tmp_path, not_a_number="skip", steps=40)


# --- fp16 ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def fp16(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, set[int]], None]:
    """Lets a stage compute in fp16 on the CPU, and multiplies the gradient of the given steps; their loss stays a number."""
    monkeypatch.setattr(stage, "choose", lambda _precision: torch.device("cpu"))
    kept = Training.total

    def arm(factor: float, steps: set[int]) -> None:
        def total(self: Training, *arguments: Any) -> torch.Tensor:
            found = kept(self, *arguments)
            if self.step in steps:
                found.register_hook(lambda gradient: gradient * factor)
            return found

        monkeypatch.setattr(Training, "total", total)

    return arm


def figures(loss: float = 1.0, norm: float = 1.0) -> dict[str, float]:
    return {"train/loss": loss, "train/grad_norm": norm}


def test_a_gradient_that_overflows_is_left_to_loss_scaling_for_a_while() -> None:
    health = Health()
    for step in range(1, MAX_OVERFLOWS + 1):
        assert health.hear(step, figures(norm=math.inf), is_scaled=True) == ""
    expected = "train/grad_norm is nan at step 21, as in the 20 steps before it, though the loss was scaled down at each"
    assert health.hear(21, figures(norm=math.nan), is_scaled=True) == expected
    assert health.num_bad == 1


def test_one_good_step_begins_the_count_anew() -> None:
    health = Health()
    for step in range(1, 3 * MAX_OVERFLOWS):
        assert health.hear(step, figures(norm=1.0 if step % MAX_OVERFLOWS == 0 else math.inf), is_scaled=True) == ""


def test_what_loss_scaling_cannot_help_concerns_the_rule_at_once() -> None:
    assert Health().hear(1, figures(norm=math.inf), is_scaled=False) == "train/grad_norm is inf at step 1"
    assert Health().hear(1, figures(loss=math.nan, norm=math.nan), is_scaled=True) == "train/loss is nan at step 1"


def test_a_few_overflows_in_fp16_are_nobodys_concern(datasets: Path, tmp_path: Path, fp16: Callable[[float, set[int]], None]) -> None:
    fp16(math.inf, {2, 3, 7})
    made = attempt(datasets, tmp_path, precision="fp16", not_a_number="stop")
    assert made.step == 16
    assert made.scaler.get_scale() == 2.0 ** (16 - 3)
    assert all(torch.isfinite(each).all() for each in made.network.state_dict().values())


@pytest.mark.parametrize(("rule", "step"), [("stop", 23), ("skip", 33)])
def test_a_gradient_that_stays_nan_in_fp16_ends_the_stage(
    rule: str, step: int, datasets: Path, tmp_path: Path, fp16: Callable[[float, set[int]], None]
) -> None:
    """From step 3 on: 20 steps are left to loss scaling, then 10 to the rule `skip`."""
    fp16(math.nan, set(range(3, 100)))
    with pytest.raises(NotANumberError, match=rf"train/grad_norm is nan at step {step}, .* on data of pairs"):
        attempt(datasets, tmp_path, precision="fp16", not_a_number=rule, steps=60)
    assert [event["step"] for event in events_of(tmp_path, "skipped")] == list(range(23, step))


def test_a_gradient_that_stays_nan_in_fp16_is_gone_back_from(
    datasets: Path, tmp_path: Path, fp16: Callable[[float, set[int]], None]
) -> None:
    fp16(math.nan, set(range(6, 27)))
    made = attempt(datasets, tmp_path, precision="fp16", steps=32)
    assert [(event["step"], event["last_good"]) for event in events_of(tmp_path, "went_back")] == [(26, 24)]
    assert made.step == 32


def test_loss_scaling_goes_on_exactly_behind_a_stop(datasets: Path, tmp_path: Path, fp16: Callable[[float, set[int]], None]) -> None:
    fp16(math.nan, set(range(6, 30)))
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    expected = attempt(datasets, calm, precision="fp16", not_a_number="skip", steps=32)
    made = stopped_at(datasets, disturbed, [2, 9, 27], apart=False, precision="fp16", not_a_number="skip", steps=32)
    assert [event["step"] for event in events_of(disturbed, "skipped")] == [26, 27, 28, 29]
    assert made.scaler.get_scale() == 1  # its floor: halved 24 times it would be 1 / 256
    assert digests(made, tmp_path / "made") == digests(expected, tmp_path / "expected")
