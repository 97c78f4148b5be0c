"""Weights between two models: each tensor, the files around them, a killed run, and models of two kinds."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import RecordedEvents, Spec
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from rehearse_ml import interpolate as interpolate_module
from rehearse_ml.errors import JobError
from rehearse_ml.interpolate import interpolate
from rehearse_ml.job import Interruption
from rehearse_ml.spec import InterpolateSpec
from rehearse_ml.tokenizer import load_tokenizer


@pytest.fixture
def trained(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model with other weights, as a training saves it."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    directory = tmp_path / "trained"
    model.save_pretrained(directory)
    load_tokenizer(tiny_model).save_pretrained(directory)
    return directory


def _spec(official: Path, trained: Path, output: Path, weight: float = 0.25) -> Spec:
    return {
        "protocol": 1,
        "weights": str(official),
        "revision": None,
        "trained": str(trained),
        "weight": weight,
        "outputDir": str(output),
    }


def _run(spec: Spec, events: RecordedEvents, interruption: Interruption | None = None) -> dict[str, Any]:
    path = interpolate(InterpolateSpec.model_validate(spec), events, interruption or Interruption())
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def test_every_weight_lies_between_the_two_and_the_model_loads(
    tiny_model: Path, trained: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    result = _run(_spec(tiny_model, trained, tmp_path / "job"), events)
    before = AutoModelForCausalLM.from_pretrained(tiny_model).state_dict()
    after = AutoModelForCausalLM.from_pretrained(trained).state_dict()
    between = AutoModelForCausalLM.from_pretrained(result["checkpointDir"]).state_dict()
    for name, tensor in between.items():
        assert torch.allclose(tensor, 0.75 * before[name] + 0.25 * after[name], rtol=0, atol=1e-6), name
    assert not torch.equal(between["model.norm.weight"], before["model.norm.weight"])
    names = {file.name for file in Path(result["checkpointDir"]).iterdir()}
    assert names == {file.name for file in trained.iterdir()}
    assert result["kind"] == "interpolate"
    assert result["weight"] == 0.25


def test_a_model_in_bfloat16_and_several_files_is_mixed_in_float32_with_one_in_a_single_file(
    tiny_model: Path, trained: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    official = tmp_path / "official"
    AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16).save_pretrained(
        official, max_shard_size="200KB"
    )
    assert len(list(official.glob("*.safetensors"))) > 1
    result = _run(_spec(official, trained, tmp_path / "job", weight=0.5), events)
    between = load_file(Path(result["checkpointDir"]) / "model.safetensors")
    before = AutoModelForCausalLM.from_pretrained(official, dtype=torch.float32).state_dict()
    after = load_file(trained / "model.safetensors")
    assert {tensor.dtype for tensor in between.values()} == {torch.float32}
    for name, tensor in between.items():
        assert torch.allclose(tensor, (before[name] + after[name]) / 2, rtol=0, atol=1e-6), name


def test_a_trained_model_in_several_files_keeps_them_and_their_metadata(
    tiny_model: Path, trained: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    sharded = tmp_path / "sharded"
    AutoModelForCausalLM.from_pretrained(trained).save_pretrained(sharded, max_shard_size="200KB")
    result = _run(_spec(tiny_model, sharded, tmp_path / "job"), events)
    checkpoint = Path(result["checkpointDir"])
    assert {file.name for file in checkpoint.glob("*.safetensors*")} == {
        file.name for file in sharded.glob("*.safetensors*")
    }
    for file in checkpoint.glob("*.safetensors"):
        with safe_open(file, framework="pt") as tensors:
            assert tensors.metadata() == {"format": "pt"}
    single = _run(_spec(tiny_model, trained, tmp_path / "single"), events)
    one, two = (AutoModelForCausalLM.from_pretrained(each["checkpointDir"]).state_dict() for each in (result, single))
    assert all(torch.equal(one[name], two[name]) for name in two)


def test_a_run_that_was_stopped_in_the_middle_is_begun_again_and_leaves_no_half_model(
    tiny_model: Path, trained: Path, tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharded = tmp_path / "sharded"
    AutoModelForCausalLM.from_pretrained(trained).save_pretrained(sharded, max_shard_size="200KB")
    spec = _spec(tiny_model, sharded, tmp_path / "job")
    whole = _run({**spec, "outputDir": str(tmp_path / "undisturbed")}, events)
    calls = 0
    mixed = interpolate_module._mixed

    def killed(name: str, after: torch.Tensor, sources: dict[str, Path], weight: float) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return mixed(name, after, sources, weight)

    monkeypatch.setattr(interpolate_module, "_mixed", killed)
    with pytest.raises(KeyboardInterrupt):
        _run(spec, events)
    assert not (tmp_path / "job" / "checkpoint").exists()
    monkeypatch.undo()
    assert _run(spec, events)["weightsSha256"] == whole["weightsSha256"]


def test_models_that_do_not_belong_together_are_refused(
    tiny_model: Path, trained: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    tensors = load_file(other / "model.safetensors")
    save_file({**tensors, "model.norm.weight": torch.zeros(7)}, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(JobError, match=r"not of the official model: model\.norm\.weight is \(48,\) there and \(7,\)"):
        _run(_spec(tiny_model, other, tmp_path / "shape"), events)
    save_file({**tensors, "model.extra": torch.zeros(7)}, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(JobError, match=r"has no tensor model\.extra"):
        _run(_spec(tiny_model, other, tmp_path / "name"), events)
