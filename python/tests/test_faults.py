"""A fault that nobody foresaw is tried again twice, and no more."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import StartJob

from rehearse_ml.faults import located, repeated


def _fault(words: str = "bread", kind: type[Exception] = KeyError, where: str = "line 7 (id n0000007)") -> Exception:
    try:
        with located(where):
            raise kind(words)
    except Exception as error:
        return error


def test_the_third_time_in_a_row_the_row_and_the_trace_are_told(tmp_path: Path) -> None:
    told = [repeated(_fault(), tmp_path) for _ in range(4)]

    assert told[:2] == [None, None]
    for error in told[2:]:
        assert error is not None and error.kind == "repeated"
        assert "KeyError: 'bread', at line 7 (id n0000007)" in error.message
        assert "times in a row, in test_faults.py:" in error.message


@pytest.mark.parametrize("other", [_fault("water"), _fault(kind=TypeError)])
def test_another_fault_in_between_begins_anew(other: Exception, tmp_path: Path) -> None:
    faults = [_fault(), _fault(), other, _fault(), _fault()]

    assert [repeated(fault, tmp_path) for fault in faults] == [None] * 5


def test_an_address_in_its_words_makes_it_no_other_fault(tmp_path: Path) -> None:
    told = [repeated(_fault(f"no <Bread object at 0x7f00{number}>"), tmp_path) for number in range(3)]

    assert told[2] is not None


@pytest.mark.parametrize(
    "passing", [ConnectionResetError("x"), TimeoutError("x"), requests.exceptions.ChunkedEncodingError("x")]
)
def test_trouble_of_the_network_is_tried_again_for_ever(passing: Exception, tmp_path: Path) -> None:
    assert [repeated(passing, tmp_path) for _ in range(5)] == [None] * 5


def test_a_note_that_is_torn_counts_from_one(tmp_path: Path) -> None:
    (tmp_path / ".fault.json").write_text("{")

    assert repeated(_fault(), tmp_path) is None


def test_a_job_ends_so_for_its_caller(start_job: StartJob, tiny_model: Path, tmp_path: Path) -> None:
    hashes = tmp_path / "hashes.json"
    hashes.write_text("[]")  # not what is kept there
    spec = {"protocol": 1, "outputDir": str(tmp_path / "job"), "weights": str(tiny_model), "revision": None}

    def last() -> dict[str, Any]:
        job = start_job("weights", {**spec, "hashes": str(hashes)})
        event: dict[str, Any] = json.loads(job.output().splitlines()[-1])
        return event

    ends = [last() for _ in range(3)]

    assert [end["kind"] for end in ends] == ["internal", "internal", "repeated"]
    assert "AttributeError" in ends[2]["message"] and "content_sha256" in ends[2]["message"]
    hashes.write_text("{}")
    assert last()["type"] == "result"
