"""What is trained under each chat template that TRL ships: what the model must learn to write, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from byte_tokenizer import byte_tokenizer, shipped, shipped_templates, tokenizer_of
from conftest import RecordedEvents
from span_table import FIXTURES, PAGE, written
from test_control_tokens import rows_of
from transformers import PreTrainedTokenizerFast

from rehearse_ml.assistant_spans import AssistantSpans
from rehearse_ml.chat_template import UnrenderableError
from rehearse_ml.errors import JobError
from rehearse_ml.mixture import IGNORED, TokenizedMixture, tokenize_mixture
from rehearse_ml.template_date import today_is

Messages = list[dict[str, Any]]

ENDS = {
    "cohere": "<|END_OF_TURN_TOKEN|>",
    "cohere2": "<|END_RESPONSE|><|END_OF_TURN_TOKEN|>",
    "deepseek": "<｜end▁of▁sentence｜>",  # noqa: RUF001
    "diffusion_gemma": "<turn|>",
    "gemma": "<end_of_turn>",
    "gemma3": "<end_of_turn>",
    "gemma4": "<turn|>",
    "glm4moe": "",  # the next turn's header is what ends one
    "gptoss": "<|return|>",
    "idefics3": "<end_of_utterance>",
    "lfm2": "<|im_end|>",
    "llama3": "<|eot_id|>",
    "llava_next": "</s>",
    "muse_glimmer": "<|eot|>",
    "nemotron": "<|im_end|>",
    "phi3": "<|end|>",
    "qwen": "<|im_end|>",
    "smolvlm": "<end_of_utterance>",
}
"""Ends of turn by the names of the templates, or what these begin with."""

OTHER_ENDS = {
    "apertus": "",  # its end is written before a next question only
    "apriel-1.6": "",  # so is its
    "bielik-3": "<|im_end|>",
    "deepseek-v3.1": "<｜end▁of▁sentence｜>",  # noqa: RUF001
    "deepseek-v3.2": "<｜end▁of▁sentence｜>",  # noqa: RUF001
    "gigachat-3.1": "<|message_sep|>",
    "glm-4.6": "",
    "glm-4.7": "",
    "granite-3.3": "<|end_of_text|>",
    "granite-4.0": "<|end_of_text|>",
    "granite-4.1": "<|end_of_text|>",
    "kimi-k2": "<|im_end|>",
    "kimi-k2-thinking": "<|im_end|>",
    "ling-3": "<|role_end|>",
    "llm-jp-4.1": "<|return|>",
    "mimo": "<|im_end|>",
    "minicpm-5": "<|im_end|>",
    "minimax-m1": "<end_of_sentence>",
    "minimax-m2": "[e~[",
    "qwen3-coder": "<|im_end|>",
    "qwq": "<|im_end|>",
    "seed-oss": "<seed:eos>",
    "smollm3": "<|im_end|>",
    "step-3.5": "<|im_end|>",
}
"""Of the templates in test/fixtures/chat-templates (their sources: NOTICE.md there), where it is not the EOS token."""

EARLIER_ENDS = {"apertus": "<|assistant_end|>", "apriel-1.6": "\n<|end|>", "llm-jp-4.1": "<|end|>"}
"""Of answers before the last, where they end otherwise."""

MANGLED = "The tag </think> closes a thou"
TEARS = {"deepseek_r1_distill", "deepseekv3", "glm4moe", "qwen3", "qwen3_5_nothink", "qwen3_5_think", "qwen3_6"}
"""Templates that take what is before a `</think>` for a thought."""

THOUGHTS = {
    "diffusion_gemma": "<|channel>thought\nAgain.\n<channel|>Spelt.<turn|>",
    "gemma4_v5": "<|channel>thought\nAgain.\n<channel|>Spelt.<turn|>",
    "glm4moe": "\n<think>Again.</think>\nSpelt.",
    "gptoss": (
        "<|channel|>analysis<|message|>Again.<|end|><|start|>assistant<|channel|>final<|message|>Spelt.<|return|>"
    ),
    "lfm2_2_5": "<think>Again.</think>Spelt.<|im_end|>",
    "muse_glimmer": " to=self<|message|>Again.<|eom|><|start|>assistant to=user<|message|>Spelt.<|eot|>",
    "nemotron_3_nano": "Again.\n</think>\nSpelt.<|im_end|>",  # its header ends with <think>
    "nemotron_3_ultra": "Again.</think>Spelt.<|im_end|>",
    "qwen3": "<think>\nAgain.\n</think>\n\nSpelt.<|im_end|>",
    "qwen3_5_think": "Again.\n</think>\n\nSpelt.<|im_end|>",
    "qwen3_8": "Again.\n</think>\n\nSpelt.<|im_end|>",
}
"""What is trained of an answer with a thought, where it is kept."""

CALL = {"id": "c1", "type": "function", "function": {"name": "bake", "arguments": {"bread": "rye", "loaves": 3}}}
TOOL = {
    "type": "function",
    "function": {
        "name": "bake",
        "description": "Bakes.",
        "parameters": {"type": "object", "properties": {"bread": {"type": "string", "description": "Which."}}},
    },
}
CALLS = {
    "deepseekv3": (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>bake\n"  # noqa: RUF001
        '```json\n{"bread": "rye", "loaves": 3}\n```'
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>"  # noqa: RUF001
    ),
    "gemma4": '<|tool_call>call:bake{bread:<|"|>rye<|"|>,loaves:3}<tool_call|><|tool_response>',
    "gptoss": ' to=functions.bake<|channel|>commentary json<|message|>{"bread": "rye", "loaves": 3}<|call|>',
    "lfm2_2_5": "<|tool_call_start|>[bake(bread='rye', loaves=3)]<|tool_call_end|><|im_end|>",
    "llama3_1": '{"name": "bake", "parameters": {"bread": "rye", "loaves": 3}}<|eot_id|>',
    "qwen3": '<tool_call>\n{"name": "bake", "arguments": {"bread": "rye", "loaves": 3}}\n</tool_call><|im_end|>',
}


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _answer(text: str, **more: object) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


TWO_TURNS: Messages = [_user("Name a bread."), _answer("Rye."), _user("Another?"), _answer("Spelt.")]


def _trained(
    messages: Messages,
    tokenizer: PreTrainedTokenizerFast,
    *,
    keep: bool = False,
    tools: list[dict[str, Any]] | None = None,
) -> list[str]:
    found = AssistantSpans(tokenizer, keep_thoughts=keep).find(messages, "a row", tools=tools)
    return [found.text[start:end] for start, end in found.trained]


def _end_of(name: str) -> str:
    return next(end for begins, end in reversed(ENDS.items()) if name.startswith(begins))


@pytest.mark.parametrize("name", shipped_templates())
def test_an_answer_is_trained_with_its_end_of_turn_and_nothing_else(name: str) -> None:
    tokenizer = tokenizer_of(name, eos="<|endoftext|>" if name.startswith("phi3") else "</s>")
    end = _end_of(name)

    assert _trained(TWO_TURNS[:2], tokenizer) == [f"Rye.{end}"]
    earlier = "<|end|>" if name == "gptoss" else end
    assert _trained(TWO_TURNS, tokenizer) == [f"Rye.{earlier}", f"Spelt.{end}"]


@pytest.mark.parametrize("file", sorted(FIXTURES.glob("*.jinja")), ids=lambda file: file.stem)
def test_other_families_too(file: Path) -> None:
    tokenizer = byte_tokenizer(file.read_text(encoding="utf-8"))
    end = OTHER_ENDS.get(file.stem, "</s>")

    earlier = EARLIER_ENDS.get(file.stem, end)
    assert _trained(TWO_TURNS, tokenizer) == [f"Rye.{earlier}", f"Spelt.{end}"]


def test_no_header_is_trained_where_the_template_always_writes_the_next_one() -> None:
    # As Command R7B's for tools: the assistant's header stands behind every conversation, asked for or not.
    template = (
        "{{ bos_token }}{% for m in messages %}<|turn|><|{{ m.role }}|>{{ m.content }}</s>{% endfor %}"
        "<|turn|><|assistant|>"
    )

    assert _trained(TWO_TURNS, byte_tokenizer(template)) == ["Rye.</s>", "Spelt.</s>"]
    assert _trained(TWO_TURNS, byte_tokenizer(template.replace("</s>", "<|done|>"), eos="<|stop|>")) == [
        "Rye.<|done|>",
        "Spelt.<|done|>",
    ]


def test_a_call_that_a_template_writes_otherwise_at_the_end_is_trained_whole() -> None:
    tokenizer = byte_tokenizer((FIXTURES / "apriel-1.6.jinja").read_text("utf-8"))
    call = {**CALL, "function": {"name": "bake", "arguments": {"bread": "rye"}}}
    called = [_user("Bake."), _answer("", tool_calls=[call])]
    result = {"role": "tool", "content": "It rose.", "tool_call_id": "c1", "name": "bake"}
    written = '\n<tool_calls>[{"name": "bake", "arguments": {"bread": "rye"}'

    assert _trained(called, tokenizer) == [written + "}]</tool_calls>"]
    assert _trained([*called, result, _answer("Baked.")], tokenizer) == [
        written + ', "id": "c1"}]</tool_calls>\n<|end|>',
        "Baked.",
    ]


def test_the_page_of_models_says_what_is_trained() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert written(page) == page


@pytest.mark.parametrize("name", shipped_templates())
def test_the_text_is_the_one_that_the_template_renders(name: str) -> None:
    tokenizer = tokenizer_of(name)
    parts = [{**each, "content": [{"type": "text", "text": each["content"]}]} for each in TWO_TURNS]
    sees = name in ("idefics3", "llava_next", "smolvlm")

    text, _ = AssistantSpans(tokenizer).render(TWO_TURNS, "a row")

    shown: Any = parts if sees else TWO_TURNS
    assert text == tokenizer.apply_chat_template(shown, tokenize=False)


@pytest.mark.parametrize("name", ["gemma3", "phi3", "qwen3", "deepseek_r1_distill"])
def test_an_end_of_turn_need_not_be_called_special(name: str) -> None:
    assert _trained(TWO_TURNS, tokenizer_of(name, special=False)) == [f"Rye.{_end_of(name)}", f"Spelt.{_end_of(name)}"]


@pytest.mark.parametrize("name", shipped_templates())
def test_an_answer_that_was_cut_ends_with_its_text_or_is_not_trained(
    name: str, tmp_path: Path, events: RecordedEvents
) -> None:
    tokenizer = tokenizer_of(name)
    cut = [_user("What is a thought?"), _answer(MANGLED)]
    rows = [{"id": "whole", "messages": TWO_TURNS}, {"id": "cut", "messages": cut, "cut": True}]

    mixture = _tokenized(rows, tokenizer, tmp_path, events)

    trained = [_decoded(row, tokenizer) for row in rows_of(mixture)]
    assert trained[1:] == ([] if name in TEARS else [MANGLED])
    assert mixture.unrenderable.total() == (name in TEARS)


@pytest.mark.parametrize("name", THOUGHTS)
def test_a_thought_is_trained_with_all_that_the_model_writes_around_it_where_thoughts_are_kept(name: str) -> None:
    thinking = [*TWO_TURNS[:3], _answer("Spelt.", reasoning_content="Again.")]
    inline = [*TWO_TURNS[:3], _answer("<think>\nAgain.\n</think>\n\nSpelt.")]
    tokenizer = tokenizer_of(name)

    assert _trained(thinking, tokenizer, keep=True)[1] == THOUGHTS[name]
    assert _trained(inline, tokenizer, keep=True)[1] == THOUGHTS[name]
    assert _trained(thinking, tokenizer)[1] == _trained(inline, tokenizer)[1] == f"Spelt.{_end_of(name)}"


@pytest.mark.parametrize("name", [*THOUGHTS, "llama3"])
@pytest.mark.parametrize(
    "thought", [{"content": "", "reasoning_content": "Hm."}, {"content": "<think>\nHm.\n</think>"}]
)
def test_a_thought_alone_is_no_answer(name: str, thought: dict[str, Any]) -> None:
    if name == "llama3" and "<think>" in thought["content"]:
        pytest.skip("there it is text like any other")
    row = [_user("Bread?"), {"role": "assistant", **thought}]

    assert _trained(row, tokenizer_of(name), keep=True) == []
    assert _trained([*row, _user("Bread?"), _answer("Rye.")], tokenizer_of(name), keep=True) == [f"Rye.{_end_of(name)}"]


def test_thoughts_that_a_template_leaves_out_are_counted(tmp_path: Path, events: RecordedEvents) -> None:
    # DeepSeek-R1's distilled models: the template shows no thought of an answer that is done.
    rows = [{"messages": [_user("Bread?"), _answer("<think>\nHm.\n</think>\n\nRye.")]}]

    mixture = _tokenized(rows, tokenizer_of("deepseek_r1_distill"), tmp_path, events, keep_thoughts=True)

    assert [_decoded(row, tokenizer_of("deepseek_r1_distill")) for row in rows_of(mixture)] == [
        "Rye.<｜end▁of▁sentence｜>"  # noqa: RUF001
    ]
    assert (mixture.thoughts_kept, mixture.thoughts_left_out) == (0, 1)


def test_a_thought_that_means_nothing_to_a_template_is_text() -> None:
    answer = "<think>\nHm.\n</think>\n\nRye."

    assert _trained([_user("Bread?"), _answer(answer)], tokenizer_of("llama3")) == [f"{answer}<|eot_id|>"]


@pytest.mark.parametrize("name", ["smollm3", "kimi-k2-thinking", "deepseek-v3.2"])
def test_a_thought_before_an_answer_is_left_out_of_the_rows_of_a_model_that_writes_such_tags(name: str) -> None:
    tokenizer = byte_tokenizer((FIXTURES / f"{name}.jinja").read_text("utf-8"))
    answer = "<think>\nHm.\n</think>\n\nRye."
    row = [_user("Bread?"), _answer(answer)]

    found = AssistantSpans(tokenizer).find(row, "a row")

    assert [found.text[start:end] for start, end in found.trained] == [f"Rye.{OTHER_ENDS[name]}"]
    assert (found.thoughts_kept, found.thoughts_left_out) == (0, 1)
    assert _trained(row, tokenizer, keep=True) == [f"{answer}{OTHER_ENDS[name]}"]


def test_a_template_that_talks_of_thoughts_is_not_taken_for_one_that_writes_them() -> None:
    template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}"
    told = f"<|system|>Put each thought between [THINK] and [/THINK].</s>{template}"
    row = [_user("Bread?"), _answer("<think>\nHm.\n</think>\n\nRye.")]

    assert _trained(row, byte_tokenizer(told), keep=True) == ["<think>\nHm.\n</think>\n\nRye.</s>"]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_a_function_is_trained_with_all_that_the_model_writes_around_it(name: str) -> None:
    result = {"role": "tool", "content": "It rose.", "tool_call_id": "c1", "name": "bake"}
    called = [_user("Bake."), _answer("", tool_calls=[CALL]), result, _answer("Baked.")]
    as_json = {**CALL, "function": {**CALL["function"], "arguments": json.dumps(CALL["function"]["arguments"])}}
    as_text = [_user("Bake."), _answer("", tool_calls=[as_json])]

    whole = _trained(called, tokenizer_of(name), tools=[TOOL])
    last = _trained(as_text, tokenizer_of(name), tools=[TOOL])

    assert whole == [CALLS[name], f"Baked.{_end_of(name)}"]
    assert last == [CALLS[name]]


@pytest.mark.parametrize("name", ["lfm2", "llama3", "phi3", "qwen2_5_vl", "smolvlm"])
def test_calls_that_a_template_would_leave_out_in_silence_are_refused(name: str) -> None:
    with pytest.raises(UnrenderableError, match="does not write calls of functions"):
        _trained([_user("Bake."), _answer("", tool_calls=[CALL])], tokenizer_of(name))


def test_functions_that_a_template_would_leave_out_are_refused() -> None:
    with pytest.raises(UnrenderableError, match=r"does not write the functions that may be called \(bake\)"):
        _trained(TWO_TURNS, tokenizer_of("gemma3"), tools=[TOOL])


def test_a_system_message_is_refused_where_the_family_has_none_and_never_left_out() -> None:
    system = [{"role": "system", "content": "Be brief."}, *TWO_TURNS]

    with pytest.raises(UnrenderableError, match="System role not supported"):
        _trained(system, tokenizer_of("gemma"))
    silent = "{% for m in messages if m.role != 'system' %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    with pytest.raises(UnrenderableError, match=r"leaves out or changes the content of message 0 \(system\)"):
        _trained(system, byte_tokenizer(silent))


def test_a_conversation_that_cannot_be_rendered_is_left_out_counted_and_named(
    tmp_path: Path, events: RecordedEvents
) -> None:
    system = [{"role": "system", "content": "Be brief."}, *TWO_TURNS]
    rows = [{"id": "good", "messages": TWO_TURNS}, {"id": "bad", "messages": system}]

    mixture = _tokenized(rows, tokenizer_of("gemma"), tmp_path, events)

    assert mixture.names == ["good"]
    assert mixture.unrenderable == {"the template refuses it (System role not supported)": 1}
    assert any("line 2 (id bad) is left out" in event.get("message", "") for event in events.read())
    with pytest.raises(JobError, match="System role not supported"):
        _tokenized(rows[1:], tokenizer_of("gemma"), tmp_path, events)


@pytest.mark.parametrize("off", [{"weight": 0}, {"train": False}])
def test_no_loss_is_taken_on_an_answer_that_says_so(off: dict[str, Any]) -> None:
    messages = [TWO_TURNS[0], {**TWO_TURNS[1], **off}, TWO_TURNS[2], {**TWO_TURNS[3], "weight": 1, "train": True}]

    assert _trained(messages, tokenizer_of("qwen3")) == ["Spelt.<|im_end|>"]


def test_a_row_of_which_no_answer_is_to_be_learned_is_dropped(tmp_path: Path, events: RecordedEvents) -> None:
    rows = [{"messages": TWO_TURNS}, {"messages": [_user("Bread?"), _answer("Rye.", weight=0)]}]

    assert _tokenized(rows, tokenizer_of("qwen3"), tmp_path, events).dropped == 1


def test_a_user_s_text_that_a_template_takes_for_a_tool_s_is_rendered_as_it_does() -> None:
    asked = _user("<tool_response>\nIt rose.\n</tool_response>")
    tokenizer = tokenizer_of("qwen3")
    messages = [_user("Bake."), _answer("Yes."), asked, _answer("Baked.")]

    text, spans = AssistantSpans(tokenizer).render(messages, "a row")

    assert text == tokenizer.apply_chat_template(messages, tokenize=False)
    assert [text[start:end] for start, end in spans] == ["Yes.<|im_end|>", "Baked.<|im_end|>"]


def test_a_template_that_only_a_longer_conversation_refuses_serves_for_one_turn() -> None:
    strict = shipped("qwen2_5") + "{% if messages|length > 2 %}{{ raise_exception('one turn only') }}{% endif %}"

    assert _trained(TWO_TURNS[:2], byte_tokenizer(strict)) == ["Rye.<|im_end|>"]


@pytest.mark.parametrize("name", ["gptoss", "llama3_2"])
def test_a_template_that_asks_for_the_date_gets_that_of_the_run(name: str) -> None:
    with today_is("2026-03-05"):
        text, _ = AssistantSpans(tokenizer_of(name)).render(TWO_TURNS, "a row")

    assert ("2026-03-05" if name == "gptoss" else "05 Mar 2026") in text
    assert text != AssistantSpans(tokenizer_of(name)).render(TWO_TURNS, "a row")[0]


def _tokenized(
    rows: list[dict[str, Any]],
    tokenizer: PreTrainedTokenizerFast,
    folder: Path,
    events: RecordedEvents,
    *,
    keep_thoughts: bool = False,
) -> TokenizedMixture:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tokenize_mixture(
        file, tokenizer, max_length=8192, phase="tokenize", events=events, keep_thoughts=keep_thoughts
    )


def _decoded(row: dict[str, list[int]], tokenizer: PreTrainedTokenizerFast) -> str:
    return str(tokenizer.decode([label for label in row["labels"] if label != IGNORED]))
