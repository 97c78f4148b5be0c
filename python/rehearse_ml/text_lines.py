"""Files of JSON lines that people hand in, read as strictly as services/data/lines.ts and json-text.ts do."""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from .errors import JobError

BEGINNINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32 text"),
    (b"\x00\x00\xfe\xff", "UTF-32 text"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"PK\x03\x04", "a zip file"),
    (b"PAR1", "a Parquet file"),
)
"""Beginnings of files that people give by mistake."""

MAX_DEPTH = 200
BLANK_LINE = re.compile(r"[ \t\r]*")
BLANK = re.compile(r"[\s\ufeff]*")
SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
SURROGATE = re.compile("[\ud800-\udfff]")
HINT = "Give a file of JSON lines in UTF-8."


class LineError(Exception):
    """This line is not what is taken; its text says why."""


def check_file(path: Path) -> None:
    """Raise JobError `bad_data` when `path` is no regular file, or begins as no text in UTF-8 does."""
    try:
        # Without O_NONBLOCK, opening a named pipe waits for somebody who writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise JobError("bad_data", f"{path} is not a file.", "Write its content to a file and name that one.")
            start = os.read(descriptor, 64)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise JobError("bad_data", f"{path} cannot be read: {error.strerror}.", "Check its path.") from error
    what = next((name for beginning, name in BEGINNINGS if start.startswith(beginning)), None)
    if what is None and len(start) > 1 and (start[0] == 0) != (start[1] == 0):
        what = "UTF-16 text"
    if what is not None:
        raise JobError("bad_data", f"{path} is {what}.", HINT)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield the lines that hold something, with their numbers from 1; only `\n` and `\r\n` end one.

    A byte order mark is left out. Raises JobError `bad_data` for what is no file or no UTF-8 text.
    """
    check_file(path)
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = decode(raw, first=number == 1)
            except LineError as error:
                raise JobError("bad_data", f"{path} line {number} is {error}.", HINT) from error
            if not is_blank_line(line):
                yield number, line


def decode(raw: bytes, *, first: bool) -> str:
    """Return the text of one line without its end. Raises LineError."""
    if b"\x00" in raw:
        raise LineError("no text: it has a NUL byte")
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LineError("not UTF-8") from error
    line = line.removesuffix("\n").removesuffix("\r")
    return line.removeprefix("\ufeff") if first else line


def is_blank_line(line: str) -> bool:
    """Tell whether there is nothing but what JSON calls white space."""
    return BLANK_LINE.fullmatch(line) is not None


def is_blank(text: str) -> bool:
    """Tell whether a text says nothing: white space and byte order marks, as either language counts them."""
    return BLANK.fullmatch(text) is not None


def parse_json(text: str) -> object:
    """Return the value of one JSON text. Raises LineError.

    Refused too is what only one of the two languages takes: NaN and infinities, half a surrogate pair, deep nesting.
    """
    try:
        value = json.loads(text, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise LineError("not JSON") from error
    if SURROGATE_ESCAPE.search(text) or text.count("[") + text.count("{") > MAX_DEPTH:
        _check_strange(value)
    return value


def _constant(name: str) -> object:
    raise ValueError(name)


def _check_strange(root: object) -> None:
    pending: list[tuple[object, int]] = [(root, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str) and SURROGATE.search(value):
            raise LineError("text that is not Unicode")
        inside: list[object] = []
        if isinstance(value, list):
            inside = value
        elif isinstance(value, dict):
            inside = [*value.keys(), *value.values()]
        else:
            continue
        if depth > MAX_DEPTH:
            raise LineError("nested too deep")
        pending.extend((each, depth + 1) for each in inside)
