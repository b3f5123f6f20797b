"""What was trained here loads in `transformers`, answers the same there, and is what another run can start from."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from tests.trainer import small
from trainer import checkpoint
from trainer.config import FAMILIES, ImageTextModel, StageJob
from trainer.events import EventLog
from trainer.export import export_folder
from trainer.manifest import Damaged
from trainer.models import language, tokenizers
from trainer.models.ecosystem import save
from trainer.models.network import build, from_checkpoint
from trainer.stage import train_stage

TEXT = "So good, a quiet street at home"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The train folder of a few steps of the small image + text network."""
    datasets, folder = small.write_pairs(tmp_path_factory.mktemp("datasets")), tmp_path_factory.mktemp("run")
    job = StageJob.model_validate(small.job(steps=3))
    with closing(EventLog(folder)) as events:
        train_stage(job, folder, events, [datasets], lambda: False)
    return folder


@pytest.fixture(scope="module")
def saved(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("saved")
    save(checkpoint_of(folder), to)
    return to


def checkpoint_of(folder: Path) -> Path:
    return folder / "checkpoints" / "stage-1-step-000003"


def pictures() -> torch.Tensor:
    return small.batch().pictures


def test_the_picture_encoder_answers_the_same_there(folder: Path, saved: Path) -> None:
    here, _, _ = from_checkpoint(checkpoint_of(folder))
    there = AutoModel.from_pretrained(saved / "image").eval()
    with torch.no_grad():
        assert torch.equal(there(pictures()).pooler_output.flatten(1), here.image_features(pictures()))
    assert any(module.running_mean.any() for module in there.modules() if isinstance(module, torch.nn.BatchNorm2d))


def test_the_sentence_encoder_and_its_tokenizer_answer_the_same_there(folder: Path, saved: Path) -> None:
    here, tokenizer, _ = from_checkpoint(checkpoint_of(folder))
    encoded = tokenizer.encode(TEXT)
    given = AutoTokenizer.from_pretrained(saved / "text")(TEXT, padding="max_length", truncation=True, return_tensors="pt")
    assert given["input_ids"].tolist() == [encoded.ids]
    assert given["attention_mask"].tolist() == [encoded.attention_mask]
    there = AutoModel.from_pretrained(saved / "text").eval()
    with torch.no_grad():
        states = there(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state
        assert torch.allclose(states, here.hidden_states(given["input_ids"], given["attention_mask"]), atol=1e-6)


def test_a_run_can_start_from_what_was_saved(folder: Path, saved: Path) -> None:
    here, old, _ = from_checkpoint(checkpoint_of(folder))
    model = ImageTextModel.model_validate(
        {
            "image": {"pretrained": str(saved / "image"), "image_size": 16},
            "text": {"pretrained": str(saved / "text"), "max_tokens": 12},
            "fusion_width": 8,
        }
    )
    network, new = build(model)
    assert new.encode(TEXT).ids == old.encode(TEXT).ids
    assert new.encode("so good").ids == old.encode("so good").ids
    batch = small.batch()
    with torch.no_grad():
        assert torch.equal(network.eval().image_features(batch.pictures), here.image_features(batch.pictures))
        assert torch.equal(network.text_features(batch.tokens, batch.mask), here.text_features(batch.tokens, batch.mask))


def test_the_last_checkpoint_is_exported_whole_and_over_nothing(folder: Path, tmp_path: Path) -> None:
    assert export_folder(folder, tmp_path / "to", "transformers") == str(tmp_path / "to")
    assert {path.name for path in (tmp_path / "to").iterdir()} == {"image", "text"}
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(ValueError, match="is not empty"):
        export_folder(folder, tmp_path / "to", "transformers")


def test_a_damaged_checkpoint_is_not_saved(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "stage-1-step-000003"
    copy.mkdir()
    for path in checkpoint_of(folder).iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "tokenizer.json").write_text("{}")
    with pytest.raises(Damaged, match=r"tokenizer\.json"):
        save(copy, tmp_path / "to")


LANGUAGE = {"width": 16, "num_layers": 2, "num_heads": 2, "mlp_width": 24, "max_tokens": 16}
AUTO = {"causal_lm": AutoModelForCausalLM, "moe_lm": AutoModelForCausalLM, "masked_lm": AutoModelForMaskedLM}


def language_checkpoint(family: str, folder: Path) -> tuple[Path, torch.Tensor, torch.Tensor]:
    """Writes a checkpoint of random weights; returns its folder, a row of tokens and its logits."""
    model = FAMILIES[family].model_validate(LANGUAGE | {"family": family})
    tokenizer = tokenizers.train([TEXT, "the train is late"], 300)
    network = language.build(model, len(tokenizer)).eval()
    documents = {"network": language.sizes(network), **tokenizers.documents(tokenizer)}
    card = {"model": model.model_dump(mode="json"), "classes": {}}
    checkpoint.write(folder / "stage-1-step-000001", {"model": network.state_dict()}, {"config": card, **documents})
    tokens_BT = torch.tensor([tokenizer.encode(TEXT)[:12]])
    with torch.no_grad():
        return folder / "stage-1-step-000001", tokens_BT, network(tokens_BT).logits


@pytest.mark.parametrize("family", AUTO)
def test_a_language_model_answers_the_same_there(family: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    source, tokens_BT, logits = language_checkpoint(family, tmp_path)
    assert export_folder(source, tmp_path / "to", "transformers")
    assert AutoTokenizer.from_pretrained(tmp_path / "to").encode(TEXT)[:12] == tokens_BT[0].tolist()
    there = AUTO[family].from_pretrained(tmp_path / "to").eval()
    with torch.no_grad():
        assert torch.allclose(there(tokens_BT).logits, logits, atol=1e-6)


def test_a_language_model_is_no_classifier_for_onnx(tmp_path: Path) -> None:
    source, _, _ = language_checkpoint("causal_lm", tmp_path)
    with pytest.raises(ValueError, match="is of the family causal_lm, not of image_text"):
        export_folder(source, tmp_path / "to")
    assert not list(tmp_path.glob("*to*"))
