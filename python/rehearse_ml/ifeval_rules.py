"""What of an IFEval document the harness itself would fail on, asked of the harness: services/data/ifeval-rules.ts."""

import random
import re
from collections.abc import Mapping
from typing import Any

from lm_eval.tasks.ifeval.instructions_registry import INSTRUCTION_DICT

PATTERN_ARGUMENTS = ("keywords", "forbidden_words")
"""Lists of texts, each of which the harness takes for a regular expression."""

TEXT_ARGUMENTS = (
    "keyword",
    "letter",
    "first_word",
    "postscript_marker",
    "section_spliter",
    "prompt_to_repeat",
    "end_phrase",
)


def ifeval_problem(row: Mapping[str, Any]) -> str | None:
    """Return why the instructions of a document cannot be checked; None when they can."""
    ids, kwargs = row["instruction_id_list"], row["kwargs"]
    if not ids or len(ids) != len(kwargs):
        return "has not one entry in `kwargs` for each in `instruction_id_list`"
    for index, (name, given) in enumerate(zip(ids, kwargs, strict=True)):
        if not isinstance(name, str) or name not in INSTRUCTION_DICT:
            return f"has an instruction that IFEval lacks in `instruction_id_list`: {name!r}"
        if not isinstance(given, dict):
            return f"has no mapping in `kwargs` {index}"
        arguments = {key: value for key, value in given.items() if value}  # as the harness does
        problem = _argument_problem(arguments) or _build_problem(name, arguments)
        if problem is not None:
            return f"has `kwargs` {index} that {name} does not take: {problem}"
    return None


def _build_problem(name: str, arguments: Mapping[str, Any]) -> str | None:
    state = random.getstate()  # what is not given is drawn
    try:
        INSTRUCTION_DICT[name](name).build_description(**arguments)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return str(error)
    finally:
        random.setstate(state)
    return None


def _argument_problem(arguments: Mapping[str, Any]) -> str | None:
    for name, value in arguments.items():
        if name in PATTERN_ARGUMENTS:
            if not isinstance(value, list) or not all(_is_pattern(each) for each in value):
                return f"{name} is no list of texts that are regular expressions"
        elif name in TEXT_ARGUMENTS:
            if not isinstance(value, str):
                return f"{name} is no text"
            if name == "keyword" and not _is_pattern(value):
                return f"{name} is no regular expression"
        elif isinstance(value, bool):
            return f"{name} is neither a number nor a text"
    return None


def _is_pattern(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False
