"""Which checkpoint to resume from: the newest that was written to its end and is still what was written."""

import hashlib
import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from .layout import COMPLETE_MARKER, checkpoint_name
from .protocol import Events, write_json_atomic

NAME = re.compile(checkpoint_name(0).replace("0", r"(\d+)"))
HASHING_THREADS = 8


def mark_complete(checkpoint: Path, step: int) -> None:
    """Note that everything in `checkpoint` is written, and what it hashes to.

    The files are on the disk before the note is: neither a kill nor a power cut in the middle leaves such a note.
    """
    write_json_atomic(checkpoint / COMPLETE_MARKER, {"step": step, "sha256": _hashes(checkpoint, sync=True)})


def newest_complete(directory: Path, events: Events, *, verify: bool = True) -> Path | None:
    """Return the newest complete and undamaged checkpoint in `directory`, None if there is none.

    Torn and damaged ones are removed, the latter with a log event: they would count towards the number of
    checkpoints kept and push a good one out. Without `verify` nothing is hashed: another process has.
    """
    complete: dict[int, Path] = {}
    for checkpoint in directory.glob("checkpoint-*"):
        match = NAME.fullmatch(checkpoint.name)
        if match is None:
            continue
        if (checkpoint / COMPLETE_MARKER).is_file() and (checkpoint / "trainer_state.json").is_file():
            complete[int(match.group(1))] = checkpoint
        else:
            shutil.rmtree(checkpoint)
    for step in sorted(complete, reverse=True):
        damaged = _damaged(complete[step]) if verify else []
        if not damaged:
            return complete[step]
        events.log(
            f"{complete[step]} is damaged ({', '.join(damaged)}): going on from the one before.", level="warning"
        )
        shutil.rmtree(complete[step])
    return None


def _damaged(checkpoint: Path) -> list[str]:
    expected: dict[str, str] | None = json.loads((checkpoint / COMPLETE_MARKER).read_text(encoding="utf-8")).get(
        "sha256"
    )
    if expected is None:  # written before there were hashes
        return []
    found = _hashes(checkpoint, sync=False)
    return sorted(name for name in expected if found.get(name) != expected[name])


def _hashes(checkpoint: Path, *, sync: bool) -> dict[str, str]:
    files = sorted(file for file in checkpoint.rglob("*") if file.is_file() and file.name != COMPLETE_MARKER)
    with ThreadPoolExecutor(HASHING_THREADS) as pool:  # hashing leaves Python's lock
        digests = pool.map(partial(_sha256, sync=sync), files)
        return {str(file.relative_to(checkpoint)): digest for file, digest in zip(files, digests, strict=True)}


def _sha256(path: Path, *, sync: bool) -> str:
    with path.open("rb") as file:
        if sync:
            os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()
