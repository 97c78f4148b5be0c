import json
from pathlib import Path
from typing import cast

import pytest
from conftest import RecordedEvents
from transformers import PreTrainedTokenizerBase
from trl.chat_template_utils import qwen3_chat_template

from rehearse_ml.assistant_spans import AssistantSpans, Message
from rehearse_ml.errors import JobError
from rehearse_ml.mixture import IGNORED, tokenize_mixture

TWO_TURNS: list[Message] = [
    {"role": "user", "content": "Name a bread.\nOnly one."},
    {"role": "assistant", "content": "Rye, of course: ünïcode <b>too</b>.\n"},
    {"role": "user", "content": "Another?"},
    {"role": "assistant", "content": "Spelt."},
]
PLAIN = cast("list[dict[str, str]]", TWO_TURNS)


def test_the_trained_tokens_of_two_turns_are_both_answers_with_their_end_of_turn_and_nothing_else(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path, events: RecordedEvents
) -> None:
    file = tmp_path / "mixture.jsonl"
    file.write_text(json.dumps({"id": "a", "source": "new", "messages": TWO_TURNS}))

    mixture = tokenize_mixture(file, tokenizer, max_length=512, phase="tokenize", events=events)

    row = mixture.dataset[0]
    trained = [label for label in row["labels"] if label != IGNORED]
    assert tokenizer.decode(trained) == ("Rye, of course: ünïcode <b>too</b>.\n<|im_end|>" + "Spelt.<|im_end|>")
    assert row["input_ids"] == tokenizer.apply_chat_template(PLAIN, return_dict=False)
    assert mixture.tokens == len(row["input_ids"])
    assert mixture.trained_tokens == len(trained)


def test_a_token_that_the_template_s_line_break_shares_with_the_answer_is_not_trained(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path, events: RecordedEvents
) -> None:
    file = tmp_path / "mixture.jsonl"
    messages = [TWO_TURNS[0], {"role": "assistant", "content": "  Rye."}]
    file.write_text(json.dumps({"id": "a", "source": "new", "messages": messages}))

    row = tokenize_mixture(file, tokenizer, max_length=512, phase="tokenize", events=events).dataset[0]

    assert tokenizer.decode([label for label in row["labels"] if label != IGNORED]) == " Rye.<|im_end|>"


def test_no_loss_is_taken_on_the_end_of_an_answer_that_was_cut_and_still_on_that_of_earlier_ones(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path, events: RecordedEvents
) -> None:
    file = tmp_path / "mixture.jsonl"
    file.write_text(json.dumps({"id": "a", "messages": TWO_TURNS, "cut": True}))

    row = tokenize_mixture(file, tokenizer, max_length=512, phase="tokenize", events=events).dataset[0]

    trained = tokenizer.decode([label for label in row["labels"] if label != IGNORED])
    assert trained == "Rye, of course: ünïcode <b>too</b>.\n<|im_end|>" + "Spelt."
    assert row["input_ids"] == tokenizer.apply_chat_template(PLAIN, return_dict=False)


def test_where_a_template_has_no_end_of_turn_token_a_cut_answer_ends_with_its_text(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    plain = (
        "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] | trim }} [/{{ m['role'] }}]{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    with _template(tokenizer, plain) as changed:
        text, spans = AssistantSpans(changed).render([TWO_TURNS[0], TWO_TURNS[1]], "a conversation", cut=True)

    assert [text[start:end] for start, end in spans] == ["Rye, of course: ünïcode <b>too</b>."]


def test_a_template_that_changes_the_text_of_a_cut_answer_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    loud = (
        "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] | upper }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    with _template(tokenizer, loud) as changed, pytest.raises(JobError, match="where it ends is not known"):
        AssistantSpans(changed).render(TWO_TURNS, "a conversation", cut=True)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"messages": TWO_TURNS, "cut": "yes"}, "neither true nor false"),
        ({"messages": TWO_TURNS[:3], "cut": True}, "does not end with the assistant"),
    ],
)
def test_a_mark_that_makes_no_sense_is_refused(
    row: dict[str, object], said: str, tokenizer: PreTrainedTokenizerBase, tmp_path: Path, events: RecordedEvents
) -> None:
    file = tmp_path / "mixture.jsonl"
    file.write_text(json.dumps(row))

    with pytest.raises(JobError, match=said):
        tokenize_mixture(file, tokenizer, max_length=512, phase="tokenize", events=events)


def test_the_model_s_own_template_and_its_default_system_prompt_are_rendered_unchanged(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    text, spans = AssistantSpans(tokenizer).render(TWO_TURNS, "a conversation")

    assert text == tokenizer.apply_chat_template(PLAIN, tokenize=False)
    assert text.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert [text[start:end] for start, end in spans] == [
        "Rye, of course: ünïcode <b>too</b>.\n<|im_end|>",
        "Spelt.<|im_end|>",
    ]


def test_a_thought_that_the_template_puts_before_the_last_answer_alone_is_not_trained(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    changing = (
        "{% for m in messages %}[{{ m['role'] }}]"
        "{% if m['role'] == 'assistant' %}{% generation %}"
        "{% if loop.last %}<think></think>{% endif %}{{ m['content'] }}<|im_end|>"
        "{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    with _template(tokenizer, changing) as changed:
        text, spans = AssistantSpans(changed).render(TWO_TURNS, "a conversation")

    assert [text[start:end] for start, end in spans] == [
        "Rye, of course: ünïcode <b>too</b>.\n<|im_end|>",
        "Spelt.<|im_end|>",
    ]


def test_a_conversation_whose_answer_the_template_tears_apart_is_refused_by_name(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    torn: list[Message] = [TWO_TURNS[0], {"role": "assistant", "content": "A </think> closes a thought."}]
    with _template(tokenizer, qwen3_chat_template) as changed, pytest.raises(JobError) as caught:
        AssistantSpans(changed).render(torn, "mixture.jsonl line 3 (id m2)")

    assert caught.value.kind == "chat_template"
    assert "mixture.jsonl line 3 (id m2)" in caught.value.message


def test_a_conversation_that_the_template_refuses_is_named(tokenizer: PreTrainedTokenizerBase) -> None:
    strict = "{% if messages|length > 2 %}{{ raise_exception('one turn only') }}{% endif %}"
    with _template(tokenizer, strict) as changed, pytest.raises(JobError, match="one turn only") as caught:
        AssistantSpans(changed).render(TWO_TURNS, "line 1")

    assert caught.value.kind == "chat_template"


def test_truncation_is_counted_and_a_conversation_left_with_nothing_to_train_on_is_dropped(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path, events: RecordedEvents
) -> None:
    long_answer = {"role": "assistant", "content": "bread " * 200}
    long_question = {"role": "user", "content": "bread " * 200}
    file = tmp_path / "mixture.jsonl"
    file.write_text(
        "".join(
            json.dumps({"id": name, "source": "new", "messages": messages}) + "\n"
            for name, messages in {
                "whole": TWO_TURNS,
                "cut": [TWO_TURNS[0], long_answer],
                "nothing left": [long_question, TWO_TURNS[1]],
            }.items()
        )
    )

    mixture = tokenize_mixture(file, tokenizer, max_length=100, phase="tokenize", events=events)

    assert (len(mixture.dataset), mixture.truncated, mixture.dropped) == (2, 2, 1)
    assert max(len(ids) for ids in mixture.dataset["input_ids"]) == 100
    assert any(event["type"] == "log" and "2 of 3" in event["message"] for event in events.read())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{nonsense", "is not JSON"),
        ('{"id": "x"}', "has no list `messages`"),
        ('{"id": "x", "messages": [{"role": "narrator", "content": "a"}]}', "role"),
        ('{"id": "x", "messages": [{"role": "user", "content": "a \\ud83d"}]}', "not Unicode"),
        ('{"id": "x", "messages": [{"role": "user", "content": [{"type": "image"}]}]}', "without text"),
        ('{"id": "x", "tools": ["bake"], "messages": [{"role": "user", "content": "a"}]}', "no assistant message"),
        ('{"id": "x", "messages": [{"role": "user", "content": "a"}]}', "no assistant message"),
        ('{"id": "x", "messages": [{"role": "assistant", "content": "a"}]}', "begins with the assistant"),
        (
            '{"id": "x", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": " "}]}',
            "message 1 without text",
        ),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path, events: RecordedEvents, line: str, said: str
) -> None:
    file = tmp_path / "mixture.jsonl"
    good = json.dumps({"id": "a", "source": "new", "messages": TWO_TURNS})
    file.write_text(f"{good}\n{line}\n")

    with pytest.raises(JobError) as caught:
        tokenize_mixture(file, tokenizer, max_length=512, phase="tokenize", events=events)

    assert caught.value.kind == "bad_data"
    assert f"{file} line 2" in caught.value.message
    assert said in caught.value.message


class _template:  # noqa: N801, reads as a statement
    def __init__(self, tokenizer: PreTrainedTokenizerBase, template: str) -> None:
        self._tokenizer, self._original = tokenizer, tokenizer.chat_template
        tokenizer.chat_template = template

    def __enter__(self) -> PreTrainedTokenizerBase:
        return self._tokenizer

    def __exit__(self, *_: object) -> None:
        self._tokenizer.chat_template = self._original
