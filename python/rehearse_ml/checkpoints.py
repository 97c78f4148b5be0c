"""Which checkpoint to resume from: the newest that was written to its end."""

import re
import shutil
from pathlib import Path

from .protocol import write_json_atomic

MARKER = "rehearse-complete.json"
NAME = re.compile(r"checkpoint-(\d+)")


def mark_complete(checkpoint: Path, step: int) -> None:
    """Note that everything in `checkpoint` is written. A kill in the middle of a save leaves no such note."""
    write_json_atomic(checkpoint / MARKER, {"step": step})


def newest_complete(directory: Path) -> Path | None:
    """Return the newest complete checkpoint in `directory`, after removing the torn ones; None if there is none."""
    complete: dict[int, Path] = {}
    for checkpoint in directory.glob("checkpoint-*"):
        match = NAME.fullmatch(checkpoint.name)
        if match is None:
            continue
        if (checkpoint / MARKER).is_file() and (checkpoint / "trainer_state.json").is_file():
            complete[int(match.group(1))] = checkpoint
        else:
            # A torn one would count towards the number of checkpoints kept and push a good one out.
            shutil.rmtree(checkpoint)
    return complete[max(complete)] if complete else None
