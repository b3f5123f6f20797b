"""Load tests of a run: what can be asked for, what a worker is given and reports, what the tab shows, and the download."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from dashboard.runs import lifecycle
from dashboard.runs.models import Attempt, LoadTest, Quantization, Run, Status
from dashboard.serving.archive import PART, parts
from tests.cast import Cast
from tests.pages.working import claim
from tests.runs.finished import finish_stages, tiny
from trainer import config
from trainer.config.serving import LoadTestJob
from workers import facts
from workers.handover import load_test_job
from workers.outcome import conclude

pytestmark = pytest.mark.django_db
FILES = {"fp32": "export/fp32.onnx", "int8": "export/int8.onnx"}
ROW = {
    "num_requests": 500,
    "num_errors": 0,
    "latency_ms_p50": 7.5,
    "latency_ms_p99": 12.25,
    "batch_sizes": {"1": 10, "4": 120},
    "mean_batch_size": 3.77,
    "cost_per_1000_requests": 0.0004,
    "cost_per_million_tokens": 0.02,
}


@pytest.fixture
def run(cast: Cast) -> Run:
    """Its stages are trained, and its quantization has written an export."""
    run = finish_stages(cast.submit("steady-kestrel", tiny(quantization=config.Quantization())))
    lease = claim()
    attempt = Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)
    facts.exported(attempt, {"files": FILES})
    (attempt.folder / "export").mkdir(parents=True)
    lifecycle.finish(lease)
    return run


def export_of(run: Run) -> Path:
    return (settings.RUNS_DIR / Quantization.objects.get(run=run).files["fp32"]).parent


def ask(client: Client, run: Run, **fields: Any) -> LoadTest:
    answer = client.post(f"/runs/{run.pk}/load-tests/", {"precision": "fp32", **fields})
    assert answer.status_code == 302
    return LoadTest.objects.latest("pk")


def begun(test: LoadTest) -> tuple[lifecycle.Lease, Attempt]:
    lease = claim()
    assert lease.job_id == test.pk
    return lease, Attempt.objects.select_related("job__run").get(pk=lease.attempt_id)


def measured(test: LoadTest) -> Attempt:
    """As a worker leaves it."""
    lease, attempt = begun(test)
    facts.exported(attempt, {"files": {"repository": "repository"}})
    facts.serving(attempt, {"triton": "2.51.0", "backend": "a stand-in"})
    for concurrency, rate in ((1, 80.0), (8, 210.5)):
        facts.served(
            attempt,
            {"seq": 9, "at": 1.0, "kind": "served", "protocol": "grpc", "concurrency": concurrency, "throughput_per_s": rate, **ROW},
        )
    folder = attempt.folder / "repository" / "sentiment_model"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text('name: "sentiment_model"\n')
    (folder / "1" / "model.onnx").write_bytes(b"x" * (PART + 700))
    lifecycle.finish(lease)
    return attempt


def tab(client: Client, run: Run, query: str = "") -> str:
    answer = client.get(f"/runs/{run.pk}/serving/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_an_export_the_tab_says_what_is_missing(alice: Client, cast: Cast) -> None:
    text = tab(alice, cast.submit("new", tiny()))
    assert "A run can be served when its quantization has exported the model." in text
    assert "Serve and measure" not in text


def test_what_is_asked_for_is_what_the_trainer_gets(alice: Client, run: Run) -> None:
    test = ask(alice, run, precision="int8", concurrencies="1, 4 32", seconds="2.5", hourly_price="0.4", max_batch_size="4", instances="2")
    _, attempt = begun(test)
    given = load_test_job(attempt)
    assert given == LoadTestJob.model_validate(
        {
            "export": str(export_of(run)),
            "precision": "int8",
            "concurrencies": [1, 4, 32],
            "seconds": 2.5,
            "hourly_price": 0.4,
            "serving": {"max_batch_size": 4, "preferred_batch_sizes": [4], "instances": 2},
        }
    )


def test_a_failed_load_test_is_not_tried_again_and_changes_nothing_about_the_run(alice: Client, run: Run) -> None:
    run.refresh_from_db()
    before = run.status
    test = ask(alice, run)
    lease, attempt = begun(test)
    said = {"message": "Triton at 127.0.0.1:1 does not answer over HTTP", "reason": "server_failed"}
    conclude(lease, attempt, 1, said, shutting_down=False)
    run.refresh_from_db()
    test.refresh_from_db()
    assert test.status == Status.FAILED
    assert run.status == before == Status.COMPLETED
    assert "Triton at 127.0.0.1:1 does not answer over HTTP" in tab(alice, run)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"precision": "fp16"}, "precision"),
        ({"concurrencies": "1, many"}, "concurrencies.1"),
        ({"concurrencies": "0"}, "concurrencies.0"),
        ({"seconds": "1e9"}, "seconds"),
        ({"hourly_price": "nan"}, "hourly_price"),
        ({"max_batch_size": "9" * 400}, "serving.max_batch_size"),
        ({"instances": "-1"}, "serving.instances"),
    ],
)
def test_a_wrong_field_is_named_and_what_was_typed_stays(fields: dict[str, str], message: str, alice: Client, run: Run) -> None:
    answer = alice.post(f"/runs/{run.pk}/load-tests/", {"precision": "fp32", "seconds": "7", **fields})
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert 'name="hourly_price" value=' in answer.content.decode()
    assert not LoadTest.objects.exists()


def test_no_address_of_a_server_is_taken_from_the_web(alice: Client, run: Run) -> None:
    assert "http" not in ask(alice, run, http="169.254.169.254:80", grpc="10.0.0.1:1").asked
    answer = alice.post(f"/api/v1/runs/{run.pk}/load-tests", json.dumps({"http": "10.0.0.1:80"}), content_type="application/json")
    assert answer.status_code == 422


def test_an_int8_behind_the_gate_is_not_offered(alice: Client, run: Run) -> None:
    gate = {"passes": False, "winner": "int8-ptq", "drops": {"int8-ptq": 2.0}, "max_drop": 0.6}
    (export_of(run) / "model.json").write_text(json.dumps({"gate": gate}))
    assert '<option value="int8">' not in tab(alice, run)
    answer = alice.post(f"/runs/{run.pk}/load-tests/", {"precision": "int8"})
    assert answer.status_code == 422
    assert "did not pass the export gate" in answer.content.decode()


def test_the_tab_opens_with_the_answer_and_shows_the_table(alice: Client, run: Run) -> None:
    test = ask(alice, run, hourly_price="0.3")
    measured(test)
    text = tab(alice, run)
    assert "FP32 answers 210.5 requests a second over gRPC, 8 at a time; p99 12.2 ms" in text
    assert "1×10, 4×120" in text
    assert "NVIDIA Triton 2.51.0" in text and "stand-in" in text
    assert "name: &quot;sentiment_model&quot;" in text
    assert json.loads(text.partition('id="deployment-data" type="application/json">')[2].partition("</script>")[0])[1]["concurrency"] == 8


def test_a_second_attempt_begins_an_empty_table(alice: Client, run: Run) -> None:
    test = ask(alice, run)
    measured(test)
    Attempt.objects.filter(job=test).update(ended_at=None)
    load_test_job(Attempt.objects.select_related("job__run").get(job=test))
    test.refresh_from_db()
    assert (test.rows, test.server, test.repository) == ([], {}, "")


def test_the_repository_is_taken_along_as_a_tar(alice: Client, run: Run) -> None:
    test = ask(alice, run)
    attempt = measured(test)
    answer = alice.get(f"/runs/{run.pk}/load-tests/{test.pk}/repository/")
    assert answer["Content-Disposition"] == f'attachment; filename="run-{run.number}-triton.tar"'
    with tarfile.open(fileobj=io.BytesIO(b"".join(answer))) as archive:  # type: ignore[call-overload]
        found = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
        assert {(entry.uid, entry.uname, entry.mode) for entry in archive.getmembers()} == {(0, "", 0o644)}
    folder = attempt.folder / "repository"
    assert found == {f"models/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_archive_holds_no_more_than_a_part_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(3 * PART + 1))
    (tmp_path / "link").symlink_to("/etc/passwd")
    pieces = list(parts(tmp_path, "models"))
    assert max(map(len, pieces)) == PART
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        assert archive.getnames() == ["models/big"]


def test_a_repository_that_is_on_no_disk_is_not_there(alice: Client, run: Run) -> None:
    test = ask(alice, run)
    assert alice.get(f"/runs/{run.pk}/load-tests/{test.pk}/repository/").status_code == 404


def test_a_load_test_of_another_run_is_not_there(alice: Client, cast: Cast, run: Run) -> None:
    test = ask(alice, run)
    measured(test)
    other = cast.submit("other", tiny())
    assert alice.get(f"/runs/{other.pk}/load-tests/{test.pk}/repository/").status_code == 404


def test_one_that_waits_is_stopped_from_the_tab(alice: Client, run: Run) -> None:
    test = ask(alice, run)
    assert f"/runs/{run.pk}/jobs/{test.pk}/stop/" in tab(alice, run)
    answer = alice.post(f"/runs/{run.pk}/jobs/{test.pk}/stop/")
    assert (answer.status_code, answer["Location"]) == (302, f"/runs/{run.pk}/serving/")
    test.refresh_from_db()
    assert test.status == Status.STOPPED


def test_a_viewer_sees_the_table_and_asks_for_nothing(cast: Cast, client: Client, alice: Client, run: Run) -> None:
    measured(ask(alice, run))
    client.force_login(cast.bob, backend="django.contrib.auth.backends.ModelBackend")
    text = tab(client, run)
    assert "210.5" in text
    assert "Serve and measure" not in text


@pytest.mark.parametrize("query", ["?test=x", "?test=999999", "?test=%00"])
def test_odd_addresses_are_taken(alice: Client, run: Run, query: str) -> None:
    ask(alice, run)
    tab(alice, run, query)


def test_the_api_asks_and_lists(alice: Client, run: Run) -> None:
    body = {"precision": "fp32", "concurrencies": [2], "serving": {"max_queue_delay_us": 100}}
    answer = alice.post(f"/api/v1/runs/{run.pk}/load-tests", json.dumps(body), content_type="application/json")
    assert answer.status_code == 201
    assert answer.json()["status"] == "queued"
    measured(LoadTest.objects.get(pk=answer.json()["id"]))
    found = alice.get(f"/api/v1/runs/{run.pk}/load-tests").json()
    assert found["count"] == 1
    assert [row["throughput_per_s"] for row in found["items"][0]["rows"]] == [80.0, 210.5]
    assert found["items"][0]["asked"]["serving"]["max_queue_delay_us"] == 100
    wrong = alice.post(f"/api/v1/runs/{run.pk}/load-tests", json.dumps({"concurrencies": [0]}), content_type="application/json")
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["loc"] == ["concurrencies", 0]
