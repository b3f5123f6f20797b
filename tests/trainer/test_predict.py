"""What a trained model says of a picture and a sentence, from the command line, from Python and from the warm process."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import trainer
from tests.trainer.conftest import Make
from trainer import serve
from trainer.__main__ import main
from trainer.data.reading import open_dataset
from trainer.predict import analyze_multimodal_sentiment, load, predict, softmax
from trainer.runtimes import TorchRuntime
from trainer.warm import Shelf, quickest, shelf

CLASSES = ["negative", "neutral", "positive"]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    path.write_bytes(open_dataset("composed-pairs", "test").image(3))
    return path


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_verb_prints_class_and_probabilities(
    precision: str, quantized: Make, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(quantized("image_and_text"))
    capsys.readouterr()  # what making it has said
    assert main(["predict", folder, "--image", str(picture), "--text", "so good", "--precision", precision]) == 0
    answer = said(capsys)
    assert list(answer["probabilities"]) == CLASSES
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["class"] == max(CLASSES, key=answer["probabilities"].get)
    assert answer["precision"] == precision
    assert answer["latency_ms"] > 0


def test_train_folder_checkpoint_and_export_say_the_same(trained: Make, quantized: Make, picture: Path) -> None:
    folders = [
        trained("image_and_text"),
        trained("image_and_text") / "checkpoints" / "stage-1-step-000012",
        quantized("image_and_text") / "export",
    ]
    answers = [analyze_multimodal_sentiment(picture, "so good", folder) for folder in folders]
    assert isinstance(load(folders[0]), TorchRuntime)
    for best, probabilities in answers:
        assert best == answers[0][0]
        assert list(probabilities.values()) == pytest.approx(list(answers[0][1].values()), abs=1e-5)


def test_the_function_takes_bytes_and_finds_its_model_by_a_variable(trained: Make, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = analyze_multimodal_sentiment(picture, "so good", trained("image_and_text"))
    with pytest.raises(ValueError, match="ANNEAL_MODEL"):
        trainer.analyze_multimodal_sentiment(picture.read_bytes(), "so good")
    monkeypatch.setenv("ANNEAL_MODEL", str(trained("image_and_text")))
    assert trainer.analyze_multimodal_sentiment(picture.read_bytes(), "so good") == expected


def test_a_single_prediction_is_that_of_the_test_split(trained: Make) -> None:
    """The picture goes through the same preparation as in training, so accuracy over single predictions is the run's."""
    runtime, rows = load(trained("image_and_text")), open_dataset("composed-pairs", "test")
    assert rows.texts is not None
    assert rows.labels is not None
    right = [predict(runtime, rows.image(number), rows.texts[number])[0] == CLASSES[rows.labels[number]] for number in range(len(rows))]
    events = [json.loads(line) for line in (trained("image_and_text") / "events.jsonl").read_text().splitlines()]
    tested = next(event for event in events if event.get("split") == "test")
    assert np.mean(right) == pytest.approx(tested["metrics"]["test/accuracy"])


def test_picture_and_text_both_matter(trained: Make, picture: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.new("RGB", (30, 20), "red").save(other)
    answers = [
        analyze_multimodal_sentiment(path, text, trained("image_and_text"))[1] for path in (picture, other) for text in ("good", "bad")
    ]
    assert len({tuple(answer.values()) for answer in answers}) == 4


def test_a_model_of_one_modality_needs_only_that(trained: Make, quantized: Make, picture: Path) -> None:
    alone = analyze_multimodal_sentiment(picture, None, trained("image"))
    assert alone == analyze_multimodal_sentiment(picture, "ignored", trained("image"))
    alone = analyze_multimodal_sentiment(None, "so good", load(quantized("text"), "int8"))
    assert alone == analyze_multimodal_sentiment(picture, "so good", load(quantized("text"), "int8"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--text", "hello"], "looks at a picture"),
        (["--image", "{picture}"], "text is empty"),
        (["--image", "{picture}", "--text", "x" * 10_001], "10,001 characters"),
        (["--image", "{gone}", "--text", "hello"], "gone.jpg"),
        (["--image", "{note}", "--text", "hello"], "not a JPEG"),
        (["--image", "{cut}", "--text", "hello"], "damaged or cut short"),
    ],
)
def test_bad_input_gets_one_clear_line_and_status_2(
    arguments: list[str], sentence: str, trained: Make, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = picture.parent
    (folder / "note.jpg").write_text("no picture")
    Image.effect_noise((64, 64), 90).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:1500])
    names = {name: folder / f"{name}.jpg" for name in ("picture", "gone", "note", "cut")}
    assert main(["predict", str(trained("image_and_text")), *(argument.format(**names) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.splitlines()) == 1


def test_a_folder_without_a_model_is_refused(tmp_path: Path, trained: Make, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rest = ["--image", str(picture), "--text", "hello"]
    assert main(["predict", str(tmp_path / "gone"), *rest]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert main(["predict", str(tmp_path), *rest]) == 2
    assert "holds no checkpoint" in capsys.readouterr().err
    assert main(["predict", str(trained("image_and_text")), *rest, "--precision", "int8"]) == 2
    assert "run `quantize` first" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "CMYK", "16 bit", "transparent", "rotated"])
def test_unusual_pictures_are_taken(form: str, trained: Make) -> None:
    target, picture = io.BytesIO(), Image.effect_noise((40, 30), 90)
    if form == "GIF":
        picture.save(target, form, save_all=True, append_images=[Image.new("L", (40, 30))])
    elif form == "CMYK":
        picture.convert("CMYK").save(target, "JPEG")
    elif form == "16 bit":
        Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50).save(target, "PNG")
    elif form == "transparent":
        picture.convert("RGBA").save(target, "PNG")
    elif form == "rotated":
        exif = Image.Exif()
        exif[0x0112] = 6
        picture.save(target, "JPEG", exif=exif)
    else:
        picture.convert("RGB").save(target, form)
    assert predict(load(trained("image")), target.getvalue(), None)[0] in CLASSES


def test_int8_is_answered_without_torch(quantized: Make, picture: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from trainer.predict import load, predict;"
        f"predict(load(Path({str(quantized('image_and_text'))!r}), 'int8'), Path({str(picture)!r}).read_bytes(), 'good');"
        "print([name for name in ('torch', 'transformers', 'pyarrow') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_softmax_takes_large_logits() -> None:
    assert softmax(np.array([1000.0, 0.0, -1000.0], np.float32)).tolist() == pytest.approx([1, 0, 0])


# --- the warm process ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def cold() -> None:
    shelf.clear()


def said_to(*requests: dict[str, Any] | str) -> list[dict[str, Any]]:
    replies = io.StringIO()
    lines = [request if isinstance(request, str) else json.dumps(request) for request in requests]
    assert serve.serve(io.StringIO("\n".join(lines) + "\n"), replies) == 0
    return [json.loads(line) for line in replies.getvalue().splitlines()]


def ask(*requests: dict[str, Any] | str) -> list[dict[str, Any]]:
    """The last reply to each."""
    return [reply for reply in said_to(*requests) if "state" not in reply]


def request(folder: Path, picture: Path | None, **changed: Any) -> dict[str, Any]:
    encoded = base64.b64encode(picture.read_bytes()).decode() if picture else None
    return {"id": "r1", "folder": str(folder), "precision": "int8", "image_base64": encoded, "text": "so good", **changed}


def test_a_request_a_line_is_answered_by_a_reply_a_line(quantized: Make, picture: Path) -> None:
    folder = quantized("image_and_text")
    first, second = ask(request(folder, picture), request(folder, picture, id=2, text="so bad"))
    assert first["id"] == "r1"
    assert second["id"] == 2
    assert first["class"] in CLASSES
    assert list(first["probabilities"].values()) == pytest.approx(
        list(predict(load(folder, "int8"), picture.read_bytes(), "so good")[1].values())
    )
    assert first["probabilities"] != second["probabilities"]


def test_a_bad_request_is_answered_and_the_next_one_too(quantized: Make, picture: Path) -> None:
    good = request(quantized("image_and_text"), picture)
    bad = [
        "{",
        "[]",
        '"x"',
        '{"id": 1}',
        good | {"act": "dance"},
        good | {"image_base64": "@@"},
        good | {"image_base64": None},
        good | {"text": ""},
        good | {"folder": "/gone"},
    ]
    bad += [good | {"precision": "int4"}, good | {"image_base64": base64.b64encode(b"no picture").decode()}]
    *refused, last = ask(*bad, good)
    assert [reply["kind"] for reply in refused] == ["bad_input"] * len(bad)
    assert all(reply["error"] for reply in refused)
    assert refused[5]["id"] == "r1"
    assert last["class"] in CLASSES


def test_loading_is_said_before_the_first_answer_alone(quantized: Make, picture: Path) -> None:
    given = request(quantized("image_and_text"), picture)
    assert [reply.get("state") for reply in said_to(given, given)] == ["loading", None, None]


def size_of_int8(folder: Path) -> int:
    """Of the INT8 that won."""
    card = load(folder / "export", "int8").card
    return (folder / "export" / card.files["int8"]).stat().st_size


def test_an_answer_says_what_the_model_costs(quantized: Make, picture: Path) -> None:
    folder = quantized("image_and_text")
    first, second = ask(request(folder, picture), request(folder, picture))
    assert first["size_bytes"] == size_of_int8(folder)
    assert first["latency_ms_p50"] == first["latency_ms"]
    assert second["num_timed"] == 2
    assert second["latency_ms_p50"] == pytest.approx((first["latency_ms"] + second["latency_ms"]) / 2, abs=0.01)
    assert second["runtime"].startswith("ONNX Runtime")


def test_models_stay_loaded_as_far_as_the_memory_goes(quantized: Make) -> None:
    folders = [quantized(inputs) for inputs in ("image", "text", "image_and_text")]
    sizes = [size_of_int8(folder) for folder in folders]
    kept = Shelf(budget_bytes=sizes[0] + sizes[2])
    for folder in (*folders, folders[0]):
        kept.take(folder, "int8")
    assert [folder for folder in folders if kept.holds(folder, "int8")] == [folders[0], folders[2]]
    smallest = Shelf(budget_bytes=0)
    for folder in folders:
        smallest.take(folder, "int8")
    assert [smallest.holds(folder, "int8") for folder in folders] == [False, False, True]


@pytest.mark.parametrize(("took", "best"), [({1: 0.02, 2: 0.14}, 1), ({1: 0.2, 2: 0.12}, 2)])
def test_a_model_is_asked_with_as_many_threads_as_answer_it_soonest(took: dict[int, float], best: int) -> None:
    """By a clock of its own: the first question to each is not counted."""
    now, asked = [0.0], list[int]()

    def ask(num_threads: int) -> None:
        now[0] += took[num_threads] if num_threads in asked else 10
        asked.append(num_threads)

    assert quickest([1, 2], ask, lambda: now[0]) == best


def test_an_explanation_comes_the_same_way(trained: Make, picture: Path) -> None:
    (told,) = ask(request(trained("image_and_text"), picture, act="explain", precision="fp32"))
    assert told["picture"]["method"] == "Grad-CAM"
    assert told["words"]["items"][0]["text"] == "so"


def test_the_process_ends_with_its_input(quantized: Make, picture: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "trainer", "serve"],
        input=json.dumps(request(quantized("image_and_text"), picture)) + "\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(child.stdout.splitlines()[-1])["class"] in CLASSES
