"""Say what weights are by their content, so that a score of one model is never taken for another's."""

import time
from pathlib import Path

from . import PROTOCOL
from .layout import RESULT_FILE
from .protocol import Events, write_json_atomic
from .results import WeightsResult
from .spec import WeightsSpec
from .weights import content_sha256, resolve_weights


def identify(spec: WeightsSpec, events: Events) -> Path:
    """Write result.json with the weights' directory, its content's SHA-256 and its hub commit, and return its path.

    Always looks: what lies under the same name may be other weights by now. Raises JobError.
    """
    started = time.monotonic()
    events.progress("hash the weights", 0, 1)
    directory = resolve_weights(spec.weights, spec.revision)
    path = Path(spec.output_dir) / RESULT_FILE
    result: WeightsResult = {
        "protocol": PROTOCOL,
        "kind": "weights",
        "path": str(directory),
        "sha256": content_sha256(directory, Path(spec.hashes) if spec.hashes is not None else None),
        "revision": _commit(directory),
        "seconds": round(time.monotonic() - started, 3),
    }
    write_json_atomic(path, result)
    events.progress("hash the weights", 1, 1)
    return path


def _commit(directory: Path) -> str | None:
    # The hub's cache keeps each commit in a folder of its own: models--org--name/snapshots/<commit>.
    return directory.name if directory.parent.name == "snapshots" else None
