"""Weights between a model and the same model after a training: no training of its own, and no gradient.

Wortsman et al. (2022), arXiv:2109.01903, for the idea (WiSE-FT). Tensors are read, mixed and written a file of the
trained checkpoint at a time, so memory holds one such file. A run that was killed is begun again: it takes as long as
copying the model.
"""

import json
import shutil
import time
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from . import PROTOCOL
from .errors import JobError
from .job import Interruption, run_once, versions
from .layout import CHECKPOINT_FOLDER
from .protocol import Events, JsonValue, publish
from .results import InterpolateResult
from .spec import InterpolateSpec
from .weights import resolve_weights, weight_files, weights_sha256

PHASE = "interpolate"


def interpolate(spec: InterpolateSpec, events: Events, interruption: Interruption) -> Path:
    """Write (1 - weight) x the official tensors + weight x the trained ones; return the path of result.json.

    All that is no weight (configuration, tokenizer, chat template) is the trained checkpoint's, which is the official
    model's. Raises JobError `bad_data` where the two are not the same model by names and shapes.
    """
    official, trained = resolve_weights(spec.weights, spec.revision), resolve_weights(spec.trained, None)
    identity: dict[str, JsonValue] = {
        **spec.identity(),
        "weights": weights_sha256(official),
        "trained": weights_sha256(trained),
    }
    output = Path(spec.output_dir)

    def work() -> InterpolateResult:
        started = time.monotonic()
        checkpoint = output / CHECKPOINT_FOLDER
        _write(official, trained, spec.weight, checkpoint, events, interruption)
        return {
            "protocol": PROTOCOL,
            "kind": "interpolate",
            "checkpointDir": str(checkpoint),
            "weight": spec.weight,
            "seconds": round(time.monotonic() - started, 3),
            "versions": versions("torch", "safetensors"),
            "weightsSha256": weights_sha256(checkpoint),
        }

    return run_once(
        output,
        identity,
        work,
        intact=lambda result: (Path(str(result["checkpointDir"])) / "config.json").is_file(),
    )


def _write(
    official: Path, trained: Path, weight: float, final: Path, events: Events, interruption: Interruption
) -> None:
    temporary = final.with_name(f".{final.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(final, ignore_errors=True)
    temporary.mkdir(parents=True)
    files = weight_files(trained)
    sources = _sources(official)
    for done, file in enumerate(files):
        interruption.check()
        events.progress(PHASE, done, len(files))
        with safe_open(file, framework="pt") as tensors:
            names = tensors.keys()  # not a mapping: it has no iterator
            metadata = tensors.metadata()
            mixed = {name: _mixed(name, tensors.get_tensor(name), sources, weight) for name in names}
        save_file(mixed, temporary / file.name, metadata=metadata)
    weights = {file.name for file in files}
    for other in trained.iterdir():
        if other.is_file() and other.name not in weights:
            shutil.copy2(other, temporary / other.name)
    publish(temporary, final)
    events.progress(PHASE, len(files), len(files))


def _sources(official: Path) -> dict[str, Path]:
    """Return the file that holds each tensor."""
    index = official / "model.safetensors.index.json"
    if index.is_file():
        shards: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        return {name: official / file for name, file in shards.items()}
    sources: dict[str, Path] = {}
    for file in weight_files(official):
        with safe_open(file, framework="pt") as tensors:
            sources |= dict.fromkeys(tensors.keys(), file)
    return sources


def _mixed(name: str, after: torch.Tensor, sources: dict[str, Path], weight: float) -> torch.Tensor:
    if not after.is_floating_point():
        return after
    source = sources.get(name)
    if source is None:
        raise _other_model(f"the official model has no tensor {name}")
    with safe_open(source, framework="pt") as tensors:
        before = tensors.get_tensor(name)
    if before.shape != after.shape:
        raise _other_model(f"{name} is {tuple(before.shape)} there and {tuple(after.shape)} here")
    # In float32, as trained rows are kept: the difference of the two may be less than bfloat16 resolves.
    return torch.lerp(before.float(), after.float(), weight)


def _other_model(how: str) -> JobError:
    return JobError(
        "bad_data",
        f"The trained weights are not of the official model: {how}.",
        "Interpolate between a row and the very weights that it was trained from.",
    )
