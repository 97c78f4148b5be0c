"""Evaluation of models that think: off where there is a switch, nothing of a thought is scored, or refused."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from byte_tokenizer import byte_tokenizer, shipped, tokenizer_of
from conftest import RecordedEvents, Spec
from lm_eval.api.model import TemplateLM
from lm_eval.models import huggingface
from span_table import FIXTURES
from test_evaluate import GPQA, IFEVAL

from rehearse_ml.errors import JobError
from rehearse_ml.evaluate import evaluate
from rehearse_ml.job import Interruption
from rehearse_ml.spec import EvaluateSpec, EvaluateTask
from rehearse_ml.spec import Thinking as AskedThinking
from rehearse_ml.thinking import Switch, Thinking, only_answers, settle


def _task(name: str, room: int | None = None) -> EvaluateTask:
    asked = {"task": name, "data": None, "limit": None, "numFewshot": None, "maxGenToks": room}
    return EvaluateTask.model_validate(asked)


ALL = [_task(name) for name in ("mmlu_pro", "gpqa", "ifeval", "math_level_5")]
ON = AskedThinking(mode="on")
OFF, THINKS = {"enable_thinking": False}, {"enable_thinking": True}


@pytest.mark.parametrize(
    "name", ["qwen3", "qwen3_5_think", "qwen3_8", "glm4moe", "nemotron_3_nano", "nemotron_3_ultra"]
)
def test_thoughts_are_off_where_the_template_has_a_switch(name: str) -> None:
    assert settle(None, ALL, tokenizer_of(name)) == Thinking(switch=OFF)


@pytest.mark.parametrize("name", ["llama3", "qwen2_5", "gemma3", "cohere2", "phi3_5", "lfm2", "llama3_2"])
def test_a_model_that_does_not_think_is_asked_as_before(name: str) -> None:
    assert settle(None, ALL, tokenizer_of(name)) == Thinking()


@pytest.mark.parametrize("name", ["deepseek_r1_distill", "gptoss", "muse_glimmer"])
@pytest.mark.parametrize("task", ALL)
def test_a_model_that_always_thinks_is_refused_with_the_way_out(name: str, task: EvaluateTask) -> None:
    with pytest.raises(JobError, match="no switch against it") as caught:
        settle(None, [task], tokenizer_of(name))

    assert caught.value.kind == "bad_spec"
    assert "mode: on" in caught.value.hint and "mmlu_pro_generative" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "switch", "end"),
    [
        ("qwen3", THINKS, "</think>"),
        ("deepseek_r1_distill", {}, "</think>"),
        ("gemma4", THINKS, "<channel|>"),
        ("gptoss", {}, "assistantfinal"),
    ],
)
def test_with_thoughts_on_what_ends_one_is_read_from_the_template(name: str, switch: Switch, end: str) -> None:
    writes = [_task("ifeval", 16384), _task("mmlu_pro_generative", 16384)]

    assert settle(ON, writes, tokenizer_of(name)) == Thinking(switch=switch, end=end)


@pytest.mark.parametrize(
    ("name", "off", "on", "end"),
    [
        ("granite-3.3", {"thinking": False}, {"thinking": True}, "</think>"),
        ("seed-oss", {"thinking_budget": 0}, {"thinking_budget": -1}, "</seed:think>"),
        ("smollm3", OFF, THINKS, "</think>"),
        ("glm-4.7", OFF, THINKS, "</think>"),
        ("ling-3", OFF, THINKS, "</think>"),
    ],
)
def test_the_switch_is_the_one_that_the_template_knows(name: str, off: Switch, on: Switch, end: str) -> None:
    tokenizer = byte_tokenizer((FIXTURES / f"{name}.jinja").read_text("utf-8"))

    assert settle(None, ALL, tokenizer) == Thinking(switch=off)
    assert settle(ON, [_task("ifeval", 16384)], tokenizer) == Thinking(switch=on, end=end)


@pytest.mark.parametrize("name", ["ministral-3", "step-3.5", "minimax-m2"])
def test_a_model_that_its_own_prompt_tells_to_think_is_refused(name: str) -> None:
    tokenizer = byte_tokenizer((FIXTURES / f"{name}.jinja").read_text("utf-8"))

    with pytest.raises(JobError, match="no switch against it"):
        settle(None, ALL, tokenizer)


@pytest.mark.parametrize(
    "opening", ["[|assistant|]<thought>\n", "<|a|>◁think▷", "<|a|>\nHere are my reasoning steps:\n"]
)
def test_a_prompt_that_opens_a_thought_is_seen_whatever_its_tags(opening: str) -> None:
    header = opening.split("<thought>")[0].split("◁")[0].split("Here")[0]
    template = (
        "{% for m in messages %}{% if m.role == 'user' %}<|u|>{{ m.content }}{% else %}"
        f"{header}{{{{ m.content }}}}{{% endif %}}{{% endfor %}}{{% if add_generation_prompt %}}{opening}{{% endif %}}"
    )

    with pytest.raises(JobError, match="no switch against it"):
        settle(None, ALL, byte_tokenizer(template))


def test_the_harness_is_told_what_the_template_knows() -> None:
    assert Thinking(switch=THINKS, end="</think>").for_harness() == {
        "enable_thinking": True,
        "think_end_token": "</think>",
    }
    assert Thinking(switch={"thinking": False}).for_harness() == {"chat_template_args": {"thinking": False}}
    assert Thinking().for_harness() == {}


def test_with_thoughts_on_letters_and_tasks_without_room_are_refused() -> None:
    with pytest.raises(JobError, match="gpqa scores given answers"):
        settle(ON, [_task("gpqa", 16384)], tokenizer_of("qwen3"))
    with pytest.raises(JobError, match="ifeval leaves no room for thoughts"):
        settle(ON, [_task("ifeval")], tokenizer_of("qwen3"))
    with pytest.raises(JobError, match="does not tell what ends a thought"):
        settle(ON, [_task("ifeval", 99)], tokenizer_of("llama3"))


@pytest.mark.parametrize("task", ["arc_easy", "mmlu", "ai2_arc", "lambada_openai"])
def test_with_thoughts_on_letters_are_refused_in_any_task_of_the_harness(task: str) -> None:
    with pytest.raises(JobError, match=f"{task} scores given answers"):
        settle(ON, [_task(task, 16384)], tokenizer_of("deepseek_r1_distill"))


def test_behind_a_chat_api_the_spec_says_it() -> None:
    writes = [_task("ifeval", 16384)]

    assert settle(None, writes, None) == Thinking()
    assert settle(AskedThinking(mode="off"), writes, None) == Thinking(off_by_request=True)
    assert settle(AskedThinking.model_validate({"mode": "on", "endToken": "[/THINK]"}), writes, None) == Thinking(
        end="[/THINK]"
    )


def _model(tokenizer: object) -> TemplateLM:
    def decode(tokens: list[int], skip_special_tokens: bool = True) -> str:
        return cast("Any", tokenizer).decode(tokens, skip_special_tokens=skip_special_tokens)

    return cast("TemplateLM", SimpleNamespace(tokenizer=tokenizer, tok_decode=decode))


@pytest.mark.parametrize(
    ("text", "scored"),
    [
        ("Let me see.\n</think>\n\nRye.", "Rye."),
        ("<think>\nHm.</think>One</think>Two", "Two"),
        ("Let me see. It is rye, or", ""),
        ("", ""),
    ],
)
def test_a_thought_without_an_end_is_no_answer(text: str, scored: str) -> None:
    with only_answers(_model(tokenizer_of("qwen3")), huggingface, Thinking(switch=THINKS, end="</think>")):
        assert huggingface.postprocess_generated_text(text, [], "</think>") == scored
    assert huggingface.postprocess_generated_text(text, [], None) == text


def test_an_api_that_keeps_thoughts_apart_gives_answers_as_they_are() -> None:
    with only_answers(_model(None), huggingface, Thinking(end="</think>")):
        assert huggingface.postprocess_generated_text("Rye.", None, "</think>") == "Rye."
        assert huggingface.postprocess_generated_text("<think>Rye, or", None, "</think>") == ""


def test_an_end_that_is_a_special_token_is_seen() -> None:
    tokenizer = byte_tokenizer(shipped("gemma4"))
    lm = _model(tokenizer)
    ids = tokenizer.encode("<|channel>thought\nHm.<channel|>Rye.<turn|>", add_special_tokens=False)

    with only_answers(lm, huggingface, Thinking(switch=THINKS, end="<channel|>")):
        assert vars(lm)["tok_decode"](ids) == "thought\nHm.<channel|>Rye."


@pytest.fixture
def thinker(tiny_model: Path, tmp_path: Path) -> Path:
    """A random model whose template thinks, and can be told not to."""
    weights = tmp_path / "thinker"
    shutil.copytree(tiny_model, weights)
    (weights / "chat_template.jinja").write_text(shipped("qwen3"))
    return weights


def _spec(weights: Path, folder: Path, task: str, rows: list[dict[str, Any]], **more: object) -> Spec:
    file = folder / f"{task}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = {"task": task, "data": {"train": str(file)}, "limit": None, "numFewshot": None, "maxGenToks": 12}
    return {
        "protocol": 1,
        "weights": str(weights),
        "revision": None,
        "tasks": [asked],
        "batchSize": 2,
        "dtype": "float32",
        "seed": 0,
        "threads": 1,
        "outputDir": str(folder / f"evaluation-{task}"),
        **more,
    }


def _run(spec: Spec, events: RecordedEvents) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(evaluate(EvaluateSpec.model_validate(spec), events, Interruption()).read_text())
    return result["tasks"][0]


def test_answers_that_end_within_a_thought_are_counted_and_not_scored(
    thinker: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    score = _run(_spec(thinker, tmp_path, "ifeval", IFEVAL, thinking={"mode": "on"}), events)

    assert (score["generated"], score["cut"]) == (2, 2)
    samples = json.loads((tmp_path / "evaluation-ifeval" / "tasks" / "ifeval.json").read_text())["samples"]
    assert [sample["filteredResponse"] for sample in samples] == ["", ""]


def test_with_thoughts_off_answers_at_the_limit_are_counted(
    thinker: Path, tmp_path: Path, events: RecordedEvents
) -> None:
    score = _run(_spec(thinker, tmp_path, "ifeval", IFEVAL), events)

    assert score["generated"] == 2 and 0 <= score["cut"] <= 2
    letters = _run(_spec(thinker, tmp_path, "gpqa", GPQA), events)
    assert "cut" not in letters


def test_the_prompt_of_a_thinking_model_says_that_it_does_not_think(
    thinker: Path, tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[str] = []
    original = huggingface.HFLM.apply_chat_template

    def seen(self: huggingface.HFLM, *args: Any, **more: Any) -> str:  # noqa: ANN401 - lm-evaluation-harness' own
        prompts.append(original(self, *args, **more))
        return prompts[-1]

    monkeypatch.setattr(huggingface.HFLM, "apply_chat_template", seen)
    _run(_spec(thinker, tmp_path, "gpqa", GPQA), events)

    assert prompts and all(prompt.endswith("<think>\n\n</think>\n\n") for prompt in prompts)
