"""A data set of the hub at one commit: its splits, its licence."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import datasets
from huggingface_hub import DatasetInfo, HfApi

from .errors import JobError, first_line
from .hub_errors import explained
from .protocol import write_json_atomic
from .row_sources import Drawn, Table, draw_from_parts, draw_from_streams
from .spec import HubSource

INSTEAD = "download it and name local files"
"""The way without the hub."""


@dataclass(frozen=True)
class Repository:
    """What the hub says of a data set: the commit that is read, and the licence on its card."""

    revision: str
    licence: str | None


def resolve(source: HubSource) -> Repository:
    """Ask the hub for the commit of `source`'s revision (the newest without one). Raises JobError."""
    with explained(named(source), INSTEAD):
        info = HfApi().dataset_info(source.hub, revision=source.revision)
    if info.sha is None:
        raise JobError("bad_data", f"The hub names no commit of {named(source)}.", "Name a revision.")
    return Repository(info.sha, _licence(info))


def resolve_once(source: HubSource, note: Path) -> Repository:
    """As `resolve`, but what it found the first time is kept in `note`: a resumed job reads what it began with."""
    if note.exists():
        return Repository(**json.loads(note.read_text(encoding="utf-8")))
    repository = resolve(source)
    write_json_atomic(note, {"revision": repository.revision, "licence": repository.licence})
    return repository


def draw_from_hub(
    source: HubSource, repository: Repository, columns: tuple[str, ...], seed: int
) -> tuple[list[str], Iterator[Drawn]]:
    """Return the names of the splits that are read and their rows in an order drawn by `seed`. Raises JobError.

    What guarantees the order gives is said at `draw_from_parts` and, for streaming, at `draw_from_streams`.
    """
    with explained(named(source), INSTEAD):
        try:
            loaded = datasets.load_dataset(
                source.hub, source.config, revision=repository.revision, streaming=source.streaming
            )
        except (ValueError, RuntimeError) as error:  # a config that is missing or not there; a loading script
            raise JobError(
                "bad_data",
                f"{named(source)} cannot be loaded: {first_line(error)}",
                f"Name one of its configs, or a revision that has data files; or {INSTEAD}.",
            ) from error
    splits = cast("Mapping[str, datasets.Dataset | datasets.IterableDataset]", loaded)
    found = {str(name): split for name, split in splits.items()}
    names = source.splits or list(found)
    unknown = sorted(set(names) - set(found))
    if unknown:
        raise JobError(
            "bad_spec",
            f"{named(source)} has no split {', '.join(unknown)}; it has {', '.join(found)}.",
            "Correct splits, or leave it empty for all.",
        )
    if source.streaming:
        streams = {name: cast(datasets.IterableDataset, found[name]) for name in names}
        return names, draw_from_streams(streams, columns, seed)
    tables = [Table(name, cast(datasets.Dataset, found[name]), columns) for name in names]
    return names, draw_from_parts(tables, seed)


def named(source: HubSource) -> str:
    """Return what to call `source` in an error."""
    at = f" at revision {source.revision}" if source.revision is not None else ""
    return f"the data set {source.hub}{at}"


def _licence(info: DatasetInfo) -> str | None:
    licence = info.card_data.license if info.card_data is not None else None
    if isinstance(licence, list):
        return ", ".join(str(one) for one in licence) or None
    return str(licence) if licence else None
