"""Orthogonal subspace fine-tuning: what is kept, what is saved, and that an interrupted training goes on."""

from pathlib import Path

import pytest
import torch
from conftest import RecordedEvents, Spec
from test_adapters import _loss, _StopAt, _train
from transformers import AutoModelForCausalLM

from rehearse_ml.errors import JobError
from rehearse_ml.job import Interruption

OSF: Spec = {"effectiveRank": 0.75, "targets": None}


@pytest.fixture
def osf_spec(sft_spec: Spec) -> Spec:
    return {**sft_spec, "osf": OSF, "learningRate": 1e-2, "maxSteps": 4}


def test_the_leading_directions_stay_and_the_others_learn(
    osf_spec: Spec, tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    spec: Spec = {**osf_spec, "evalMixture": osf_spec["mixture"], "perDeviceBatchSize": 24, "gradientAccumulation": 1}
    result = _train(spec, events)
    checkpoint = Path(result["checkpointDir"])
    assert not list(checkpoint.glob("adapter*"))
    trained = result["evalCurve"][-1]
    assert _loss(str(checkpoint), spec["mixture"], tmp_path, events) == pytest.approx(trained["loss"], rel=1e-4)
    assert trained["loss"] < _loss(str(tiny_model), spec["mixture"], tmp_path / "before", events)

    before = AutoModelForCausalLM.from_pretrained(tiny_model).state_dict()
    after = AutoModelForCausalLM.from_pretrained(checkpoint).state_dict()
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if "proj" in name}
    for name in changed:
        left, values, right = torch.linalg.svd(before[name].double(), full_matrices=False)
        kept = int(0.75 * min(before[name].shape))
        projected = left[:, :kept].T @ (after[name].double() - before[name].double()) @ right[:kept].T
        assert projected.abs().max() < 1e-3 * values[0], f"{name}: what led its map is still there"


def test_an_interrupted_training_goes_on_with_the_losses_of_an_undisturbed_one(
    osf_spec: Spec, tmp_path: Path, events: RecordedEvents
) -> None:
    undisturbed = _train({**osf_spec, "outputDir": str(tmp_path / "undisturbed")}, events)
    interruption = Interruption()
    with pytest.raises(JobError, match="told to stop"):
        _train(osf_spec, _StopAt(tmp_path / "stopped.jsonl", 2, interruption), interruption)
    resumed = _train(osf_spec, events)
    assert resumed["lossCurve"] == undisturbed["lossCurve"]
    assert resumed["weightsSha256"] == undisturbed["weightsSha256"]


def test_targets_that_the_model_lacks_are_refused(osf_spec: Spec, events: RecordedEvents) -> None:
    with pytest.raises(JobError, match=r"osf\.targets names query"):
        _train({**osf_spec, "osf": {**OSF, "targets": ["query"]}}, events)
