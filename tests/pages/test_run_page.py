"""The run page: what each state shows, who may act, and what the scripts start from."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from dashboard.fleet.models import Worker
from dashboard.metrics.writing import write_points
from dashboard.modules import modules_of
from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, Run, Stage, Status
from tests.cast import Cast
from tests.pages.working import claim, complete, train

pytestmark = pytest.mark.django_db
STATIC = Path(__file__).parents[2] / "dashboard" / "static"
TABS = ("stages", "config", "logs", "quantization", "events")


@pytest.fixture
def run(cast: Cast) -> Run:
    return cast.submit()


def sign_in(client: Client, user: Any) -> Client:
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, run: Run, tab: str = "") -> str:
    answer = client.get(f"/runs/{run.pk}/{tab + '/' if tab else ''}")
    assert answer.status_code == 200
    return answer.content.decode()


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script id="run-data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_every_tab_opens_before_anything_has_happened(alice: Client, run: Run) -> None:
    for tab in ("", *TABS):
        assert "steady-kestrel" in page(alice, run, tab)


def test_every_tab_opens_while_it_trains_and_when_it_has_failed(alice: Client, run: Run) -> None:
    lease = claim()
    train(lease, {1: 2.0}, log="hello\n", saved={"step": 1, "checkpoint": "checkpoints/x", "size_bytes": 10})
    for tab in ("", *TABS):
        page(alice, run, tab)
    lifecycle.fail(lease, "boom", retryable=False)
    for tab in ("", *TABS):
        page(alice, run, tab)


def test_unknown_tabs_and_runs_are_not_found(alice: Client, run: Run) -> None:
    assert alice.get(f"/runs/{run.pk}/charts/x/").status_code == 404
    assert alice.get(f"/runs/{run.pk}/system/").status_code == 404
    assert alice.get("/runs/999/").status_code == 404


def test_a_stranger_finds_nothing(client: Client, cast: Cast, run: Run) -> None:
    sign_in(client, cast.charlie)
    assert [client.get(f"/runs/{run.pk}/{tab}").status_code for tab in ("", "logs/")] == [404, 404]
    assert client.post(f"/runs/{run.pk}/stop/").status_code == 404


def test_a_viewer_sees_no_verbs_and_may_not_use_them(client: Client, cast: Cast, run: Run) -> None:
    sign_in(client, cast.bob)
    assert "Stop and save" not in page(client, run)
    assert client.post(f"/runs/{run.pk}/stop/").status_code == 403


def test_verbs_fit_the_state(alice: Client, run: Run) -> None:
    assert "Stop and save" in page(alice, run)
    assert alice.post(f"/runs/{run.pk}/stop/").status_code == 302
    assert "Resume" in page(alice, run)
    assert alice.post(f"/runs/{run.pk}/resume/").status_code == 302
    lifecycle.fail(claim(), "boom", retryable=False)
    assert "Retry" in page(alice, run)
    alice.post(f"/runs/{run.pk}/retry/")
    run.refresh_from_db()
    assert run.status == Status.QUEUED


def test_a_verb_that_comes_too_late_says_so_with_409(alice: Client, run: Run) -> None:
    answer = alice.post(f"/runs/{run.pk}/retry/")
    assert answer.status_code == 409
    assert "not failed" in answer.content.decode()


def test_verbs_need_post(alice: Client, run: Run) -> None:
    assert alice.get(f"/runs/{run.pk}/stop/").status_code == 405


def test_a_running_job_that_was_asked_to_stop_shows_who_asked(alice: Client, run: Run) -> None:
    train(claim(), {1: 2.0})
    alice.post(f"/runs/{run.pk}/stop/")
    assert "alice asked" in page(alice, run)


def test_a_failed_stage_shows_its_error_the_reason_and_the_next_step(alice: Client, run: Run) -> None:
    lease = claim()
    message = "Tried to allocate 2 GiB <b>of memory</b>"
    train(lease, {1: 2.0}, saved={"step": 1, "size_bytes": 1}, failed={"message": message, "reason": "out_of_memory"})
    lifecycle.fail(lease, message, retryable=False)
    text = page(alice, run)
    assert "failed: Out of memory" in text
    assert "Tried to allocate 2 GiB &lt;b&gt;of memory&lt;/b&gt;" in text
    assert "Lower the batch size" in text
    assert "last checkpoint at step 1" in text


def test_the_data_holds_the_plan_of_every_stage_on_one_axis(alice: Client, run: Run) -> None:
    data = data_of(page(alice, run))
    assert [stage["offset"] for stage in data["stages"]] == [0, *(sum(s["num_steps"] for s in data["stages"][:k]) for k in (1, 2))]
    for stage in data["stages"]:
        assert stage["plan"]["step"][0] == 1
        assert stage["plan"]["step"][-1] == stage["num_steps"]
        assert len(stage["plan"]["rate"]) == len(stage["plan"]["step"])


def test_the_data_names_the_places_where_the_loss_is_no_number(alice: Client, run: Run) -> None:
    train(claim(), {1: 2.0, 2: math.nan, 3: math.inf, 4: 1.0})
    assert data_of(page(alice, run))["not_finite"] == [{"stage": 1, "step": 2}, {"stage": 1, "step": 3}]


def test_a_part_is_asked_for_without_the_data(alice: Client, run: Run) -> None:
    answer = alice.get(f"/runs/{run.pk}/", headers={"X-Anneal-Part": "1"})
    assert "run-data" not in answer.content.decode()
    assert 'data-region="panel"' in answer.content.decode()


def test_results_change_against_the_stage_before_only_where_the_tasks_are_the_same(alice: Client, run: Run) -> None:
    for stage in run.config["stages"][:2]:
        stage["tasks"] = run.config["stages"][2]["tasks"]
    run.save()
    complete(run, {"validation/accuracy": 0.6127}, {"validation/accuracy": 0.6984})
    assert "+8.57 pt" in page(alice, run)
    run.config["stages"][0]["tasks"] = [{**run.config["stages"][2]["tasks"][0], "kind": "image_classification"}]
    run.save()
    assert "+8.57 pt" not in page(alice, run)


def test_a_result_that_is_no_number_is_written_nan(alice: Client, run: Run) -> None:
    complete(run, {"validation/loss": math.nan})
    assert re.search(r"<dd>\s*nan\s*</dd>", page(alice, run))


def test_the_log_arrives_whole_and_harmless(alice: Client, run: Run) -> None:
    train(claim(), {1: 2.0}, log="</script><script>alert(1)</script>\n")
    text = page(alice, run, "logs")
    assert "</script><script>alert(1)" not in text
    assert "alert(1)" in text


def test_the_config_downloads_as_json(alice: Client, run: Run) -> None:
    answer = alice.get(f"/runs/{run.pk}/config/?format=json")
    assert answer["Content-Disposition"] == 'attachment; filename="run-1.json"'
    assert json.loads(answer.content) == run.config


def test_the_number_of_queries_does_not_grow_with_attempts_and_events(alice: Client, run: Run, django_assert_max_num_queries: Any) -> None:
    for step in (1, 2, 3, 4, 5):
        lease = claim()
        train(
            lease,
            {step: 1.0},
            saved={"step": step, "size_bytes": 1},
            evaluated={"step": step, "split": "validation", "metrics": {"validation/loss": 1.0}},
        )
        lifecycle.release(lease)
    with django_assert_max_num_queries(60):
        page(alice, run)
    assert Stage.objects.filter(run=run).count() == 3


def test_a_machine_without_a_gpu_says_so_in_one_sentence(alice: Client, run: Run) -> None:
    assert "No GPU on" not in page(alice, run)
    claim()
    assert page(alice, run).count("No GPU on cpu-1: ") == 1
    Worker.objects.update(devices=[{"kind": "gpu", "name": "RTX 4090", "memory_bytes": 24 * 10**9}])
    assert "No GPU on" not in page(alice, run)


def test_metrics_come_with_the_axes_they_can_be_drawn_over(alice: Client, run: Run) -> None:
    lease = claim()
    with lifecycle.recording(lease) as update:
        write_points(update, Attempt.objects.get(), {"train/loss": [(1, 2.0)], "progress/samples": [(1, 8.0)]})
    assert data_of(page(alice, run))["metrics"] == ["train/loss", "progress/samples"]


def test_the_menu_exports_everything_and_deletes_by_name_only_for_editors(alice: Client, client: Client, cast: Cast, run: Run) -> None:
    text = page(alice, run)
    for kind in ("csv", "parquet"):
        assert f'href="/api/v1/runs/{run.pk}/export?format={kind}"' in text
    assert f'action="/runs/{run.pk}/delete/" data-confirms="steady-kestrel"' in text
    assert "stop it first" in text
    bobs = page(sign_in(Client(), cast.bob), run)
    assert "export?format=csv" in bobs
    assert "/delete/" not in bobs


def test_a_run_under_way_is_not_deleted_and_says_why(alice: Client, run: Run) -> None:
    answer = alice.post(f"/runs/{run.pk}/delete/")
    assert answer.status_code == 409
    assert "only a run that has ended can be deleted" in answer.content.decode()


def test_every_word_that_the_scripts_ask_for_is_there(alice: Client, run: Run) -> None:
    scripts = "".join((STATIC / name).read_text() for name in modules_of("js/run.js"))
    asked = set(re.findall(r"\bwords\.([a-z]\w*)", scripts)) - {"js"}
    assert len(asked) > 30
    assert asked <= set(data_of(page(alice, run))["words"])
