"""Where rows come from: splits on the hub, whole or as a stream, and local files; in an order that a seed draws."""

import array
import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import datasets
import numpy as np
import pyarrow as pa

from .conversations import MalformedRowError
from .errors import JobError, causes, first_line, is_full_disk
from .spec import FilesSource
from .text_lines import LineError, check_file, decode, parse_json

BUFFER_ROWS = 10_000
"""Rows of a stream among which the next one is drawn."""

BLANK_BYTES = b" \t\r\n"

OPEN_SHARDS = 16
"""Files, or row groups of Parquet files, from which that buffer is filled at a time."""


@dataclass(frozen=True)
class Drawn:
    """A row as it was found. `index` is its place in its part, None in a stream."""

    part: str
    index: int | None
    row: object
    """The row, or the MalformedRowError that says why it could not be read."""


class Part(Protocol):
    """A split or a file, whose rows can be read in any order."""

    name: str

    def __len__(self) -> int:
        """Return how many rows there are."""

    def row(self, index: int) -> object:
        """Return a row. Raises MalformedRowError."""


class Table:
    """Rows of an Arrow table on disk: a split of the hub, or a Parquet file."""

    def __init__(self, name: str, rows: datasets.Dataset, columns: tuple[str, ...]) -> None:
        """Read only those of `columns` that there are; all, where none are named."""
        self.name = name
        kept = [column for column in columns if column in rows.column_names] if columns else rows.column_names
        self._rows = rows.select_columns(kept)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def row(self, index: int) -> object:
        """Return a row."""
        return self._rows[index]


class JsonLines:
    """Rows of a JSONL file, of which only the places are held in memory: one bad row must not cost the others."""

    def __init__(self, path: Path) -> None:
        """Find the lines. Raises JobError `bad_data` when the file cannot be read."""
        self.name = path.stem
        self._offsets = array.array("Q")
        check_file(path)
        try:
            self._file = path.open("rb")
            offset = 0
            for line in self._file:
                text = line.removeprefix(codecs.BOM_UTF8) if offset == 0 else line
                if text.strip(BLANK_BYTES):
                    self._offsets.append(offset)
                offset += len(line)
        except OSError as error:
            raise JobError("bad_data", f"{path} cannot be read: {error.strerror}.", "Check its path.") from error

    def __len__(self) -> int:
        """Return how many lines are not blank."""
        return len(self._offsets)

    def row(self, index: int) -> object:
        """Return what a line says. Raises MalformedRowError."""
        offset = self._offsets[index]
        self._file.seek(offset)
        try:
            return parse_json(decode(self._file.readline(), first=offset == 0))
        except LineError as error:
            raise MalformedRowError(str(error)) from error


def open_files(source: FilesSource, columns: tuple[str, ...], cache: Path) -> list[Part]:
    """Return the files of `source`, Parquet by way of an Arrow copy under `cache`. Raises JobError `bad_data`."""
    return [_open(Path(file), columns, cache) for file in source.files]


def _open(path: Path, columns: tuple[str, ...], cache: Path) -> Part:
    if path.suffix == ".jsonl":
        return JsonLines(path)
    if path.suffix != ".parquet":
        raise JobError(
            "bad_data", f"{path} is neither .jsonl nor .parquet.", "Convert it to JSON lines, one row a line."
        )
    try:
        rows = datasets.Dataset.from_parquet(str(path), cache_dir=str(cache))
    except (datasets.exceptions.DatasetsError, pa.ArrowInvalid, OSError) as error:
        if any(is_full_disk(link) for link in causes(error)):
            raise
        raise JobError(
            "bad_data", f"{path} cannot be read as Parquet: {first_line(error.__cause__ or error)}", "Check the file."
        ) from error
    return Table(path.stem, rows, columns)


def draw_from_parts(parts: Sequence[Part], seed: int) -> Iterator[Drawn]:
    """Yield every row of all parts once, in an order drawn by `seed`: each order is equally likely.

    So what is drawn first is a uniform sample without replacement, and a smaller sample is the beginning of a larger.
    """
    ends = np.cumsum([len(part) for part in parts])
    for place in np.random.default_rng(seed).permutation(int(ends[-1])):
        which = int(np.searchsorted(ends, place, side="right"))
        part, index = parts[which], int(place) - (int(ends[which - 1]) if which else 0)
        try:
            row = part.row(index)
        except MalformedRowError as error:
            row = error
        yield Drawn(part.name, index, row)


def draw_from_streams(
    splits: dict[str, datasets.IterableDataset], columns: tuple[str, ...], seed: int
) -> Iterator[Drawn]:
    """Yield every row of all splits once, shuffled by `seed` as far as a stream allows.

    Of each split the shards (row groups of Parquet files, other files whole) come in a drawn order, `OPEN_SHARDS` of
    them at a time, and rows are drawn from a buffer of `BUFFER_ROWS`: neighbours in a shard are likelier to be drawn
    together than in a uniform sample. Splits take turns at random, each by the rows it has left where the hub tells its
    size, else alike.
    """
    generator = np.random.default_rng(seed)
    names: list[str] = []
    left: list[int | None] = []
    streams: list[Iterator[object]] = []
    for name, split in splits.items():
        known = split.info.splits.get(name) if split.info.splits is not None else None
        names.append(name)
        left.append(known.num_examples if known is not None else None)
        streams.append(iter(_shuffled(split, columns, seed)))
    if len(names) > 1 and None in left:
        left = [None] * len(names)  # sizes of some say nothing about their share of all
    while names:
        weights = np.array([max(rows, 1) if rows is not None else 1 for rows in left], dtype=float)
        which = int(generator.choice(len(names), p=weights / weights.sum()))
        try:
            row = next(streams[which])
        except StopIteration:
            del names[which], left[which], streams[which]
            continue
        rows = left[which]
        if rows is not None:
            left[which] = rows - 1
        yield Drawn(names[which], None, row)


def _shuffled(split: datasets.IterableDataset, columns: tuple[str, ...], seed: int) -> datasets.IterableDataset:
    split = split.reshard()
    if columns and split.column_names is not None:
        split = split.select_columns([column for column in columns if column in split.column_names])
    return split.shuffle(seed=seed, buffer_size=BUFFER_ROWS, max_buffer_input_shards=OPEN_SHARDS)
