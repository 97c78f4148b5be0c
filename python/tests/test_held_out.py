"""The loss on held-out conversations, against transformers' own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import RecordedEvents, Spec
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from rehearse_ml.errors import JobError
from rehearse_ml.evaluate import evaluate
from rehearse_ml.job import Interruption
from rehearse_ml.mixture import tokenize_mixture
from rehearse_ml.spec import EvaluateSpec
from rehearse_ml.tokenizer import load_tokenizer

TURNS = [
    ("u", "What is two plus two?"),
    ("a", "Four, as anybody with four fingers can tell."),
    ("u", "And then?"),
    ("a", "Five."),
]


def conversation(turns: list[tuple[str, str]], **columns: str) -> Spec:
    role = {"u": "user", "a": "assistant"}
    return {**columns, "messages": [{"role": role[who], "content": text} for who, text in turns]}


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    path = tmp_path / "held-out.jsonl"
    rows = [conversation(TURNS[:2], id="short"), conversation(TURNS, id="long"), conversation(TURNS[2:])]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def spec(tiny_model: Path, tmp_path: Path, held_out: Path) -> Spec:
    ifeval = tmp_path / "ifeval.jsonl"
    row: Spec = {"key": 1, "prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    ifeval.write_text(json.dumps(row) + "\n")
    task = {"task": "ifeval", "data": {"train": str(ifeval)}, "limit": None, "numFewshot": None, "maxGenToks": 2}
    return {
        "protocol": 1,
        "weights": str(tiny_model),
        "revision": None,
        "tasks": [task],
        "losses": [{"name": "replay", "conversations": str(held_out)}],
        "batchSize": 2,
        "dtype": "float32",
        "seed": 0,
        "threads": 1,
        "outputDir": str(tmp_path / "evaluation"),
    }


def run(spec: Spec, events: RecordedEvents) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(evaluate(EvaluateSpec.model_validate(spec), events, Interruption()).read_text())
    return result


def test_losses_are_those_of_transformers_on_the_masked_tokens(
    spec: Spec, held_out: Path, events: RecordedEvents
) -> None:
    (loss,) = run(spec, events)["losses"]

    model = AutoModelForCausalLM.from_pretrained(spec["weights"], dtype=torch.float32)
    tokenizer = load_tokenizer(Path(spec["weights"]))
    mixture = tokenize_mixture(held_out, tokenizer, max_length=4096, phase="test", events=events)
    expected = []
    for row in mixture.dataset.to_list():
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
        with torch.no_grad():
            expected.append((float(model(input_ids=ids, labels=labels).loss), int((labels != -100).sum())))
    lines = [json.loads(line) for line in Path(loss["perConversation"]).read_text().splitlines()]
    assert [line["id"] for line in lines] == ["short", "long", "line 3"]
    assert [line["tokens"] for line in lines] == [tokens for _, tokens in expected]
    assert [line["loss"] for line in lines] == pytest.approx([mean for mean, _ in expected], rel=1e-4)
    tokens = sum(count for _, count in expected)
    assert loss["loss"] == pytest.approx(sum(mean * count for mean, count in expected) / tokens, rel=1e-4)
    assert (loss["name"], loss["tokens"], loss["conversations"]) == ("replay", tokens, 3)
    assert (loss["truncated"], loss["dropped"]) == (0, 0)


def test_a_rerun_takes_only_the_loss_that_is_missing(spec: Spec, held_out: Path, events: RecordedEvents) -> None:
    short = {"name": "cut", "conversations": str(held_out), "maxLength": 60}
    both = {**spec, "losses": [*spec["losses"], short]}
    first = run(both, events)
    assert first["losses"][1]["truncated"] > 0
    output = Path(spec["outputDir"])
    (output / "result.json").unlink()
    (output / "losses" / "cut.json").unlink()
    seen = len(events.read())
    again = run(both, events)
    phases = {event["phase"] for event in events.read()[seen:] if event["type"] == "progress"}
    assert phases == {"tasks", "load model", "tokenize loss cut", "loss cut"}
    assert again["losses"] == first["losses"]


def test_other_conversations_are_another_spec_and_no_losses_leave_no_trace(
    spec: Spec, held_out: Path, events: RecordedEvents
) -> None:
    without = {key: value for key, value in spec.items() if key != "losses"}
    assert "losses" not in run(without, events)
    assert "losses" not in json.loads((Path(spec["outputDir"]) / "spec.json").read_text())
    with pytest.raises(JobError, match="these differ: losses"):
        run(spec, events)


def test_broken_weights_are_told_instead_of_a_loss_that_is_no_number(
    spec: Spec, tmp_path: Path, events: RecordedEvents
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(spec["weights"], broken)
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"].fill_(float("nan"))
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(JobError, match="is nan") as caught:
        run({**spec, "weights": str(broken)}, events)
    assert caught.value.kind == "nan_loss"


@pytest.mark.parametrize(
    ("losses", "said"),
    [([{"name": "../x", "conversations": "a"}], "name"), ([{"name": "x", "conversation": "a"}], "conversation")],
)
def test_a_bad_list_of_losses_is_refused(losses: list[Spec], said: str, spec: Spec) -> None:
    with pytest.raises(ValueError, match=said):
        EvaluateSpec.model_validate({**spec, "losses": losses})


def test_a_name_given_twice_is_refused(spec: Spec, events: RecordedEvents) -> None:
    with pytest.raises(JobError, match="losses has a name twice"):
        run({**spec, "losses": [*spec["losses"], *spec["losses"]]}, events)
