"""A fork shares another run's stages up to a point; what would change them is refused by name."""

from __future__ import annotations

import shutil

import pytest

from dashboard.runs.fork import ForkRefused, fork
from dashboard.runs.lifecycle import WrongState
from dashboard.runs.models import Job, Run, Status
from tests.cast import Cast
from tests.runs.finished import finish_stages, folder, tiny, with_last_stage
from trainer import config

pytestmark = pytest.mark.django_db


@pytest.fixture
def parent(cast: Cast) -> Run:
    return finish_stages(cast.submit("parent", tiny()))


def statuses(run: Run) -> list[str]:
    return list(Job.objects.filter(run=run).values_list("status", flat=True))


def refused(parent: Run, index: int, changes: config.Run, cast: Cast) -> list[tuple[str | int, ...]]:
    with pytest.raises(ForkRefused) as found:
        fork(parent, index, cast.erin, "child", changes)
    return [path for path, _ in found.value.errors]


def test_a_fork_at_the_last_stage_trains_only_that_one(parent: Run, cast: Cast) -> None:
    child = fork(parent, 3, cast.erin, "child", with_last_stage(tiny(), seed=5))
    assert statuses(child) == ["reused", "reused", "queued"]
    assert (child.forked_from, child.forked_stage, child.owner, child.recipe) == (parent, 3, cast.erin, "sentiment-tiny")
    assert [stage.reused_from for stage in child.stages[:2]] == list(parent.stages[:2])


def test_a_fork_trains_again_from_its_stage_on_even_where_a_twin_is_there(parent: Run, cast: Cast) -> None:
    assert statuses(fork(parent, 2, cast.erin, "child", tiny())) == ["reused", "queued", "waiting"]
    assert statuses(fork(parent, 1, cast.erin, "child", tiny())) == ["queued", "waiting", "waiting"]


def test_the_parent_is_left_as_it_was(parent: Run, cast: Cast) -> None:
    before = (parent.cursor, parent.status, statuses(parent), list(parent.stages.values("key", "checkpoint", "results")))
    fork(parent, 2, cast.erin, "child", with_last_stage(tiny(), seed=5))
    parent.refresh_from_db()
    assert (parent.cursor, parent.status, statuses(parent), list(parent.stages.values("key", "checkpoint", "results"))) == before


def test_a_fork_of_a_fork_starts_from_who_trained(parent: Run, cast: Cast) -> None:
    child = fork(parent, 3, cast.erin, "child", tiny())
    grandchild = fork(child, 2, cast.erin, "grandchild", tiny())
    assert (grandchild.forked_from, grandchild.stages[0].reused_from) == (child, parent.stages[0])


def test_a_changed_stage_before_the_fork_is_refused_by_its_path(parent: Run, cast: Cast) -> None:
    stages = tiny().stages
    earlier = tiny(stages=(stages[0].model_copy(update={"seed": 5, "batch_size": 3}), *stages[1:]))
    assert set(refused(parent, 2, earlier, cast)) == {("stages", 0, "seed"), ("stages", 0, "batch_size")}
    assert statuses(fork(parent, 1, cast.erin, "child", earlier))[0] == "queued"


def test_what_trains_may_be_listed_in_another_order(cast: Cast) -> None:
    stages = tiny().stages
    listed = [
        tiny(stages=(stages[0].model_copy(update={"trainable": order}), *stages[1:])) for order in (("image.*", "top"), ("top", "image.*"))
    ]
    parent = finish_stages(cast.submit("parent", listed[0]))
    assert statuses(fork(parent, 2, cast.erin, "child", listed[1])) == ["reused", "queued", "waiting"]
    assert statuses(cast.submit("twin", listed[1])) == ["reused", "reused", "reused"]


def test_another_model_or_number_of_threads_is_refused_unless_nothing_is_taken_over(parent: Run, cast: Cast) -> None:
    other = tiny(model=tiny().model.model_copy(update={"fusion": "gated"}), num_threads=7)
    assert set(refused(parent, 2, other, cast)) == {("model", "fusion"), ("num_threads",)}
    assert fork(parent, 1, cast.erin, "child", other).status == Status.QUEUED


def test_a_stage_that_is_not_there_is_refused(parent: Run, cast: Cast) -> None:
    assert refused(parent, 4, tiny(), cast) == [("stage",)]
    assert refused(parent, 3, tiny(stages=tiny().stages[:2]), cast) == [("stage",)]


def test_a_fork_may_drop_or_add_stages_behind_it(parent: Run, cast: Cast) -> None:
    assert statuses(fork(parent, 2, cast.erin, "child", tiny(stages=tiny().stages[:2]))) == ["reused", "queued"]
    more = tiny(stages=(*tiny().stages, tiny().stages[2]))
    assert statuses(fork(parent, 3, cast.erin, "child", more)) == ["reused", "reused", "queued", "waiting"]


def test_a_stage_whose_predecessor_has_not_finished_cannot_be_forked_at(cast: Cast) -> None:
    young = finish_stages(cast.submit("young", tiny()), 1)
    assert statuses(fork(young, 2, cast.erin, "child", tiny()))[0] == "reused"
    with pytest.raises(WrongState, match="Stage 2 of young has not finished"):
        fork(young, 3, cast.erin, "child", tiny())


def test_a_fork_does_not_start_from_a_checkpoint_that_is_gone(parent: Run, cast: Cast) -> None:
    shutil.rmtree(folder(parent.stages[1]))
    with pytest.raises(WrongState, match="no longer there"):
        fork(parent, 3, cast.erin, "child", tiny())
