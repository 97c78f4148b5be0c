"""LoRA: what is trained, what is saved, and that the saved weights are the trained ones."""

import json
from pathlib import Path
from typing import Any, Unpack

import pytest
import torch
from conftest import RecordedEvents, Spec
from transformers import AutoModelForCausalLM

from rehearse_ml import sft as sft_module
from rehearse_ml.errors import JobError
from rehearse_ml.evaluate import evaluate
from rehearse_ml.job import Interruption
from rehearse_ml.protocol import TrainingMetrics
from rehearse_ml.sft import sft
from rehearse_ml.spec import EvaluateSpec, SftSpec

LORA: Spec = {"rank": 8, "alpha": 16, "dropout": 0.0, "targets": None, "quantize": False}


@pytest.fixture
def lora_spec(sft_spec: Spec) -> Spec:
    return {**sft_spec, "lora": LORA, "learningRate": 1e-2, "maxSteps": 4}


def _train(spec: Spec, events: RecordedEvents, interruption: Interruption | None = None) -> dict[str, Any]:
    path = sft(SftSpec.model_validate(spec), events, interruption or Interruption())
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def _loss(weights: str, mixture: str, folder: Path, events: RecordedEvents) -> float:
    """Return the loss on `mixture` that evaluation takes of the model that it finds at `weights`."""
    spec: dict[str, Any] = {
        "protocol": 1,
        "weights": weights,
        "revision": None,
        "tasks": [],
        "losses": [{"name": "replay", "conversations": mixture}],
        "batchSize": 24,
        "dtype": "float32",
        "seed": 0,
        "threads": 1,
        "outputDir": str(folder / "evaluation"),
    }
    result = json.loads(evaluate(EvaluateSpec.model_validate(spec), events, Interruption()).read_text())
    return float(result["losses"][0]["loss"])


def test_evaluation_measures_the_merged_adapters(
    lora_spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    spec: Spec = {**lora_spec, "evalMixture": lora_spec["mixture"], "perDeviceBatchSize": 24, "gradientAccumulation": 1}
    result = _train(spec, events)

    trained = result["evalCurve"][-1]
    assert trained["step"] == 4
    checkpoint = Path(result["checkpointDir"])
    assert not list(checkpoint.glob("adapter*")), "an adapter beside merged weights would be added a second time"
    assert _loss(str(checkpoint), spec["mixture"], tmp_path, events) == pytest.approx(trained["loss"], rel=1e-4)
    assert trained["loss"] < 0.95 * _loss(str(tiny_model), spec["mixture"], tmp_path / "..", events)
    before = AutoModelForCausalLM.from_pretrained(tiny_model).state_dict()
    after = AutoModelForCausalLM.from_pretrained(checkpoint).state_dict()
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if "proj" in name}


class _StopAt(RecordedEvents):
    """Asks for an end once a step is done."""

    def __init__(self, path: Path, step: int, interruption: Interruption) -> None:
        super().__init__(path)
        self._step, self._interruption = step, interruption

    def progress(self, phase: str, done: int, total: int, **metrics: Unpack[TrainingMetrics]) -> None:
        super().progress(phase, done, total, **metrics)
        if phase == "train" and done == self._step:
            self._interruption.request()


def test_an_interrupted_training_of_adapters_goes_on_with_the_losses_of_an_undisturbed_one(
    lora_spec: Spec, tmp_path: Path, events: RecordedEvents
) -> None:
    undisturbed = _train({**lora_spec, "outputDir": str(tmp_path / "undisturbed")}, events)
    interruption = Interruption()
    with pytest.raises(JobError, match="told to stop"):
        _train(lora_spec, _StopAt(tmp_path / "stopped.jsonl", 2, interruption), interruption)
    saved = next((tmp_path / "sft" / "checkpoints").glob("checkpoint-*"))
    assert (saved / "adapter_model.safetensors").is_file()
    assert not (saved / "model.safetensors").exists(), "the frozen weights are not saved again and again"

    resumed = _train(lora_spec, events)

    assert resumed["lossCurve"] == undisturbed["lossCurve"]
    assert resumed["weightsSha256"] == undisturbed["weightsSha256"]


def test_only_the_named_layers_are_adapted_and_others_are_refused(
    lora_spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    named = {**lora_spec, "maxSteps": 2, "lora": {**LORA, "targets": ["q_proj", "v_proj"]}}
    result = _train(named, events)
    before = AutoModelForCausalLM.from_pretrained(tiny_model).state_dict()
    after = AutoModelForCausalLM.from_pretrained(result["checkpointDir"]).state_dict()
    changed = {name.rsplit(".", 2)[1] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"q_proj", "v_proj"}

    wrong = {**named, "outputDir": str(tmp_path / "wrong"), "lora": {**LORA, "targets": ["query"]}}
    with pytest.raises(JobError) as caught:
        _train(wrong, events)
    assert caught.value.kind == "bad_spec"
    assert "query" in caught.value.message


def test_qlora_without_a_gpu_is_refused_before_any_work(lora_spec: Spec, events: RecordedEvents) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(JobError) as caught:
        _train({**lora_spec, "lora": {**LORA, "quantize": True}}, events)
    assert caught.value.kind == "missing_gpu"
    assert "train.lora.quantize to false" in caught.value.hint
    assert not [event for event in events.read() if event["type"] == "progress"]


def _any_device(device: torch.device) -> None:
    """Let QLoRA run where a user should not."""


def test_qlora_trains_adapters_on_4_bit_weights_and_merges_them_into_the_original(
    lora_spec: Spec, tiny_model: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    # bitsandbytes has slow kernels for CPUs, which is enough to see that the path is whole.
    monkeypatch.setattr(sft_module, "check_quantization", _any_device)
    result = _train({**lora_spec, "lora": {**LORA, "quantize": True}}, events)

    assert result["lossCurve"][-1]["loss"] < result["lossCurve"][0]["loss"]
    before = AutoModelForCausalLM.from_pretrained(tiny_model).state_dict()
    after = AutoModelForCausalLM.from_pretrained(result["checkpointDir"]).state_dict()
    assert {tensor.dtype for tensor in after.values()} == {torch.float32}
    for name, tensor in after.items():
        if "proj" not in name:
            assert torch.equal(tensor, before[name]), f"{name} was frozen, and is the original, not its 4-bit copy"
