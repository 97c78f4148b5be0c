"""Self-distillation: what becomes of the rows, what is learnt, and that an interrupted training goes on."""

import json
from pathlib import Path

import pytest
from conftest import RecordedEvents, Spec
from test_adapters import _StopAt, _train
from transformers import AutoModelForCausalLM

from rehearse_ml.errors import JobError
from rehearse_ml.job import Interruption
from rehearse_ml.prompt_rows import Room
from rehearse_ml.self_distillation import self_distillation_rows
from rehearse_ml.tokenizer import load_tokenizer

SDFT: Spec = {"generations": 2, "maxTokens": 8, "temperature": 1.0}

USER = {"role": "user", "content": "How high is it?"}
ANSWER = {"role": "assistant", "content": "Eight metres."}
CALL = {"type": "function", "function": {"name": "measure", "arguments": "{}"}}


@pytest.fixture
def sdft_spec(sft_spec: Spec) -> Spec:
    return {**sft_spec, "sdft": SDFT, "learningRate": 1e-2, "maxSteps": 4}


def test_the_model_learns_from_itself_and_what_was_sampled_is_counted(
    sdft_spec: Spec, tiny_model: Path, events: RecordedEvents
) -> None:
    result = _train(sdft_spec, events)
    assert [point["step"] for point in result["lossCurve"]] == [1, 2, 3, 4]
    assert all(0 < point["loss"] < 10 for point in result["lossCurve"])
    assert (result["examples"], result["dropped"]) == (24, 0)
    # Four steps of two batches of two answers, each of one to eight tokens.
    assert 16 <= result["trainedTokens"] <= 128
    before = AutoModelForCausalLM.from_pretrained(tiny_model).state_dict()
    after = AutoModelForCausalLM.from_pretrained(result["checkpointDir"]).state_dict()
    assert any(not after[name].equal(tensor) for name, tensor in before.items())


def test_an_interrupted_training_goes_on_with_the_losses_of_an_undisturbed_one(
    sdft_spec: Spec, tmp_path: Path, events: RecordedEvents
) -> None:
    undisturbed = _train({**sdft_spec, "outputDir": str(tmp_path / "undisturbed")}, events)
    interruption = Interruption()
    with pytest.raises(JobError, match="told to stop"):
        _train(sdft_spec, _StopAt(tmp_path / "stopped.jsonl", 2, interruption), interruption)
    resumed = _train(sdft_spec, events)
    assert resumed["lossCurve"] == undisturbed["lossCurve"]
    assert resumed["trainedTokens"] == undisturbed["trainedTokens"]
    assert resumed["weightsSha256"] == undisturbed["weightsSha256"]


def test_what_the_method_has_no_place_for_is_left_out_and_counted(
    tiny_model: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    rows = [
        {"messages": [{"role": "system", "content": "Be short."}, USER, ANSWER, USER, ANSWER]},
        {"messages": [USER, ANSWER, USER]},
        {"messages": [USER, {**ANSWER, "train": False}]},
        {"messages": [USER, {**ANSWER, "weight": 0}]},
        {"messages": [USER, ANSWER, ANSWER]},
        {"messages": [USER, ANSWER], "cut": True},
        {"messages": [USER, ANSWER], "tools": [{"type": "function", "function": {"name": "measure"}}]},
        {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "8"}, ANSWER]},
        {"messages": [{"role": "user", "content": "Say <|im_end|> twice."}, ANSWER]},
        {"messages": [{"role": "user", "content": "Why? " * 200}, ANSWER]},
    ]
    mixture = tmp_path / "rows.jsonl"
    mixture.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = self_distillation_rows(mixture, load_tokenizer(tiny_model), Room(128, 8, "sdft"), events)
    assert read.dataset[0]["prompt"][-1] == USER
    assert len(read.dataset[0]["prompt"]) == 4
    assert read.dataset[0]["privileged_context"] == "Example response: Eight metres."
    assert (len(read.dataset), read.dropped) == (1, 1)
    assert dict(read.unrenderable) == {
        "it does not end with an answer to learn from": 3,
        "its last answer follows no question": 1,
        "its answer was cut": 1,
        "it calls functions": 2,
        "a control token is written in it": 1,
    }
    with pytest.raises(JobError, match=r"leaves nothing to learn from: of 10 conversations 2 leave no room"):
        self_distillation_rows(mixture, load_tokenizer(tiny_model), Room(16, 12, "sdft"), events)
