"""The public sets' rows, in the columns of their cards, become conversations."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from rehearse_ml.conversations import MalformedRowError, adapt
from rehearse_ml.spec import RowSchema

DATA = Path(__file__).parent / "data"
SCHEMAS: dict[str, dict[str, str]] = json.loads((DATA / "schemas.json").read_text())
"""Those of config/replay-sets.ts; test/ties compares the two."""
MESSAGES = {"kind": "messages", "column": "messages"}
U, A, S = "user", "assistant", "system"


def schema(of: dict[str, str]) -> RowSchema:
    parsed: RowSchema = TypeAdapter(RowSchema).validate_python(of)
    return parsed


def outcome(row: object, of: dict[str, str]) -> str:
    """What becomes of a row: its roles, or why it is none."""
    try:
        adapted = adapt(row, schema(of))
    except MalformedRowError as error:
        return str(error)
    return " ".join(message["role"] for message in adapted.messages) + (" (cut)" if adapted.cut else "")


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("evol-instruct", ["user assistant", "user assistant", "a turn without text"]),
        ("ultrachat", ["user assistant user assistant", "user assistant"]),
        (
            "sharegpt",
            [
                "user assistant user assistant (cut)",
                "begins with the assistant",
                "system user assistant user assistant",
                "no list of turns in conversations",
            ],
        ),
        ("wildchat", ["user assistant", "a turn without text"]),
        ("genqa", ["user assistant", "user assistant user assistant"]),
        ("openhermes-1", ["user assistant", "user assistant", "no answer"]),
        ("openhermes-2.5", ["system user assistant", "user assistant", "user and assistant not in turn"]),
        ("tulu-v2", ["user assistant", "system user assistant"]),
    ],
)
def test_rows_of_each_set_become_conversations_or_a_reason(name: str, outcomes: list[str]) -> None:
    rows = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert [outcome(json.loads(row), SCHEMAS[name]) for row in rows] == outcomes


def test_texts_are_kept_as_they_are_and_other_keys_of_a_turn_are_left_out() -> None:
    row = json.loads((DATA / "wildchat.jsonl").read_text(encoding="utf-8").split("\n")[0])
    assert adapt(row, schema(SCHEMAS["wildchat"])).messages == [
        {"role": U, "content": "write a haiku about rain\u2028please"},
        {"role": A, "content": "Rain taps the window"},
    ]


def test_an_alpaca_input_follows_its_instruction_after_a_blank_line() -> None:
    row = {"instruction": "Translate to German.", "input": "Good morning", "output": "Guten Morgen"}
    assert adapt(row, schema({"kind": "alpaca"})).messages == [
        {"role": U, "content": "Translate to German.\n\nGood morning"},
        {"role": A, "content": "Guten Morgen"},
    ]


def turns(*turn: tuple[Any, Any]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turn]}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("a string", "not an object"),
        ({}, "no list of turns in messages"),
        ({"messages": "hello"}, "no list of turns in messages"),
        ({"messages": ["hello"]}, "a turn of no known role"),
        (turns((None, "x")), "a turn of no known role"),
        (turns(("tool", "x")), "a turn of no known role"),
        (turns((U, "x")), "no answer"),
        (turns((S, "x")), "no answer"),
        (turns((U, "x"), (A, None)), "a turn without text"),
        (turns((U, "x"), (A, 7)), "a turn without text"),
        (turns((U, "x"), (A, "\ud83d")), "text that is not Unicode"),
        (turns((U, "x"), (A, "y"), (A, "z")), "user and assistant not in turn"),
        (turns((U, "x"), (S, "s"), (A, "y")), "a system message that is not the first"),
        (turns((U, "x"), (A, "y"), (S, "s")), "a system message that is not the first"),
        (turns((S, "s"), (A, "y")), "begins with the assistant"),
        (turns((S, " "), (U, "x"), (A, "y")), "user assistant"),
        (turns((U, "x"), (A, "y"), (U, ""), (U, "again")), "user assistant (cut)"),
        (turns((" User", "x"), ("Assistant", "y")), "user assistant"),
    ],
)
def test_what_is_no_conversation_is_told_by_its_reason(row: object, expected: str) -> None:
    assert outcome(row, MESSAGES) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"input": "x", "output": "y"}, "no instruction"),
        ({"instruction": "x", "input": ["y"], "output": "z"}, "an input that is not text"),
        ({"instruction": "x", "output": "z"}, "user assistant"),
        ({"instruction": "x", "input": "  ", "output": "z"}, "user assistant"),
    ],
)
def test_alpaca_rows_need_an_instruction_and_an_output(row: object, expected: str) -> None:
    assert outcome(row, {"kind": "alpaca"}) == expected
