"""Explanations beside references made by hand: CAM of a net that is known, completeness of integrated gradients, cells that alone count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.trainer.conftest import Make
from trainer.data.reading import open_dataset
from trainer.evaluation.classifying import Given
from trainer.evaluation.modalities import without_picture, without_sentence
from trainer.explain import alone, grad_cam, gradients, occlusion
from trainer.explain.explaining import Unwanted, explain
from trainer.explain.odds import log_odds
from trainer.explain.words import frame, hidden_token, words_of
from trainer.inputs import to_arrays
from trainer.predict import load, predict
from trainer.runtimes import Arrays, ModelCard, TorchRuntime
from trainer.tasks.objective import Batch

TEXT = "The coffee is unbelievably lovely, but I waited."


@pytest.fixture
def image() -> bytes:
    return open_dataset("composed-pairs", "test").image(3)


def torch_runtime(folder: Path) -> TorchRuntime:
    found = load(folder)
    assert isinstance(found, TorchRuntime)
    return found


def tensors(runtime: TorchRuntime, image: bytes, text: str = TEXT) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in to_arrays(runtime.card, runtime.tokenizer, image, text).items()}


# --- what is explained ---------------------------------------------------------------------------------------------------


def test_log_odds_are_those_of_the_probabilities() -> None:
    logits = torch.tensor([[0.3, -1.2, 2.0], [50.0, 0.0, -50.0]], dtype=torch.float64)
    p = logits[:1].softmax(1)
    assert torch.allclose(log_odds(logits)[:1], (p / (1 - p)).log())
    assert torch.isfinite(log_odds(logits)).all()


# --- the picture -----------------------------------------------------------------------------------------------------------


def test_grad_cam_by_hand() -> None:
    maps = torch.tensor([[[1.0, 2.0], [0.0, 4.0]], [[3.0, 0.0], [1.0, 1.0]]])
    gradient = torch.tensor([[[1.0, 1.0], [1.0, 1.0]], [[-4.0, 0.0], [0.0, 0.0]]])
    # Weights 1 and -1: 1 - 3, 2 - 0, 0 - 1, 4 - 1; what speaks against the class is 0.
    assert grad_cam.grad_cam(maps, gradient).tolist() == [[0.0, 2.0], [0.0, 3.0]]
    assert grad_cam.scaled(torch.tensor([[0.0, 2.0]])).tolist() == [[0.0, 1.0]]
    assert grad_cam.scaled(torch.zeros(1, 2)).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("target", [0, 1, 2])
def test_grad_cam_of_a_network_is_that_of_its_last_maps(target: int, trained: Make, image: bytes) -> None:
    """A reference that goes on by hand behind the maps: mean over the places, projection, head."""
    runtime = torch_runtime(trained("image"))
    network, picture = runtime.network, tensors(runtime, image)["picture"]
    maps = network.image(picture).last_hidden_state.detach().requires_grad_()
    logits = network.heads["sentiment"](functional.relu(network.image_projection(maps.mean(dim=(2, 3)))))
    (gradient,) = torch.autograd.grad(log_odds(logits)[0, target], maps)
    weighed = functional.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(1))[0].detach()
    expected = weighed / weighed.max().clamp(min=1e-12)
    found = grad_cam.where_it_looked(network, picture, None, None, target)
    assert found.shape == maps.shape[2:]
    assert torch.allclose(found, expected, atol=1e-5)
    assert all(parameter.grad is None for parameter in network.parameters())


class Counting:
    """Answers by the red of one cell of the picture and by one token, whatever else it is shown."""

    card = ModelCard(inputs="image_and_text", classes=("no", "yes"), image_size=12, max_tokens=4)
    name = "none"

    def logits(self, arrays: Arrays) -> np.ndarray:
        yes = arrays["picture"][:, 0, 2:4, 8:10].mean(axis=(1, 2)) + 3 * (arrays["tokens"] == 7).any(axis=1)
        return np.stack([np.zeros_like(yes), yes], axis=1).astype(np.float32)


def test_occlusion_finds_the_only_cell_and_the_only_word_that_count() -> None:
    arrays = {"picture": np.ones((1, 3, 12, 12), np.float32), "tokens": np.array([[1, 7, 9, 2]]), "mask": np.ones((1, 4), np.int64)}
    grid = occlusion.where_it_looked(Counting(), arrays, target=1)  # type: ignore[arg-type]
    expected = np.zeros((6, 6))
    expected[1, 4] = 1
    assert grid.tolist() == expected.tolist()
    counted = occlusion.words_that_counted(Counting(), arrays, [[1], [2]], hidden_token=0)  # type: ignore[arg-type]
    # Between two classes the log-odds are the difference of the logits.
    assert counted == pytest.approx(np.array([[-3, 0], [3, 0]]), abs=1e-6)


# --- the words -------------------------------------------------------------------------------------------------------------


def test_integrated_gradients_of_a_linear_score_are_its_terms() -> None:
    weights, given, baseline = torch.randn(2, 3, 4), torch.randn(3, 4), torch.randn(3, 4)
    found = gradients.integrated_gradients(lambda rows: torch.einsum("kth,bth->bk", weights, rows), given, baseline)
    assert torch.allclose(found, (weights * (given - baseline)).sum(2), atol=1e-5)


def test_integrated_gradients_of_a_curved_score_sum_to_its_difference() -> None:
    given, baseline = torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [0.5]])
    found = gradients.integrated_gradients(lambda rows: rows[:, 0] ** 2 * rows[:, 1], given, baseline)
    assert float(found.sum()) == pytest.approx(2.0, abs=1e-5)
    # By hand: the integral of 2 a t (b + c t) a over t for a = 1, b = 0.5, c = 1.5, and of a^2 t^2 c.
    assert found.tolist()[0] == pytest.approx([1.5, 0.5], abs=1e-5)


@pytest.mark.parametrize("inputs", ["image_and_text", "text"])
def test_what_the_tokens_add_sums_to_what_the_sentence_adds(inputs: str, trained: Make, image: bytes) -> None:
    runtime = torch_runtime(trained(inputs))
    given, encoded = tensors(runtime, image), runtime.tokenizer.encode(TEXT)
    hidden, kept = hidden_token(runtime.tokenizer), frame(encoded)
    counted, gap = gradients.tokens_that_counted(runtime.network, given.get("picture"), given["tokens"], given["mask"], hidden, kept)
    empty = given["tokens"].clone()
    empty[0, [place for place in range(empty.shape[1]) if place not in kept]] = hidden
    with torch.no_grad():
        whole = log_odds(runtime.network(given.get("picture"), given["tokens"], given["mask"]))[0]
        without = log_odds(runtime.network(given.get("picture"), empty, given["mask"]))[0]
    assert counted.sum(1).tolist() == pytest.approx((whole - without).tolist(), abs=1e-3)
    assert gap < 1e-3
    assert counted[:, kept].abs().max() == 0
    assert counted.abs().max() > 0


def test_a_word_of_several_tokens_is_one_word(trained: Make) -> None:
    words = words_of(torch_runtime(trained("text")).tokenizer.encode(TEXT))
    assert [TEXT[word.start : word.end] for word in words] == TEXT.replace(",", " ,").replace(".", " .").split()[: len(words)]
    assert any(len(word.places) > 1 for word in words)


# --- alone -------------------------------------------------------------------------------------------------------------------


def test_what_is_left_out_is_left_out_as_the_evaluation_does_it(trained: Make, image: bytes) -> None:
    runtime = torch_runtime(trained("image_and_text"))
    given, empty = tensors(runtime, image), runtime.tokenizer.encode("")
    own = Batch(given["picture"], given["tokens"], given["mask"], labels=None, same=None, rng=np.random.default_rng(0), host_mask=None)
    asked = Given(own, own, torch.tensor(empty.ids), torch.tensor(empty.attention_mask))
    views = alone.views(runtime, {name: each.numpy() for name, each in given.items()})
    for row, left_out in ((alone.IMAGE, without_sentence(asked)), (alone.TEXT, without_picture(asked))):
        assert np.array_equal(views["picture"][row], left_out.pictures[0])
        assert np.array_equal(views["tokens"][row], left_out.tokens[0])
        assert np.array_equal(views["mask"][row], left_out.mask[0])


@pytest.mark.parametrize(
    ("scores", "image"),
    [
        ((3.0, 2.0, 1.0, 0.0), 2 / 3),  # they add up
        ((1.0, 0.0, 0.0, 0.0), 0.5),  # only together
        ((2.0, 2.0, 0.0, 0.0), 1.0),  # the sentence does nothing
        ((0.0, -1.0, 1.0, 0.0), 0.5),  # they pull against each other
        ((1.0, 1.0, 1.0, 1.0), 0.5),  # nothing counts
    ],
)
def test_shares_by_hand(scores: tuple[float, ...], image: float) -> None:
    found = alone.shared(np.array(scores))
    assert found == pytest.approx((image, 1 - image))


# --- the document ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_every_runtime_explains_itself_and_says_how(precision: str, quantized: Make, trained: Make, image: bytes) -> None:
    runtime = load(quantized("image_and_text") if precision == "int8" else trained("image_and_text"), precision)
    found = explain(runtime, image, TEXT)
    assert found["class"] == predict(runtime, image, TEXT)[0]
    assert found["picture"]["method"] == ("Grad-CAM" if precision == "fp32" else "Occlusion")
    assert found["words"]["method"] == ("Integrated gradients" if precision == "fp32" else "Occlusion")
    grid = np.array(found["picture"]["grid"])
    assert grid.min() >= 0
    assert grid.max() in (0, 1)
    assert [item["text"] for item in found["words"]["items"]][:3] == ["The", "coffee", "is"]
    assert set(found["words"]["items"][0]["towards"]) == set(runtime.card.classes)
    assert sum(found["alone"]["shares"].values()) == pytest.approx(1)
    assert sum(found["alone"]["text"]["probabilities"].values()) == pytest.approx(1)


def test_a_long_sentence_is_cut_and_says_so(trained: Make) -> None:
    found = explain(load(trained("text")), None, "a day of rain " * 50)
    assert found["words"]["is_cut"]
    assert found["words"]["num_tokens"] == 16
    assert "picture" not in found
    assert "alone" not in found


def test_an_explanation_that_nobody_wants_any_more_ends_between_its_parts(trained: Make, image: bytes) -> None:
    with pytest.raises(Unwanted):
        explain(load(trained("image_and_text")), image, TEXT, lambda: True)


def test_bad_input_is_refused_as_for_an_answer(trained: Make) -> None:
    with pytest.raises(ValueError, match="give one"):
        explain(load(trained("image_and_text")), None, TEXT)
    with pytest.raises(ValueError, match="empty"):
        explain(load(trained("text")), None, " ")
