"""The README, which a caller reads, names all that there is."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from conftest import PACKAGE_ROOT

from rehearse_ml.errors import ErrorKind
from rehearse_ml.protocol import TrainingMetrics
from rehearse_ml.spec import SPECS, Command

README = (PACKAGE_ROOT / "README.md").read_text(encoding="utf-8").replace("```", "")
NAMED = {word for code in re.findall(r"`[^`]*`", README) for word in re.findall(r"\w+", code)}


def _keys(schema: dict[str, Any]) -> Iterator[str]:
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {})


@pytest.mark.parametrize("command", get_args(Command))
def test_every_key_of_a_spec_is_named(command: Command) -> None:
    assert set(_keys(SPECS[command].model_json_schema(by_alias=True))) - NAMED == set()


def test_every_command_kind_of_error_and_metric_is_named() -> None:
    assert {*get_args(Command), *get_args(ErrorKind), *TrainingMetrics.__annotations__} - NAMED == set()
