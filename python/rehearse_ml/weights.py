"""Model weights on disk: where they are, whether they are whole, what they hash to, how large they are."""

import hashlib
import json
import struct
from pathlib import Path

from .errors import JobError
from .protocol import write_json_atomic

HASH_CHUNK_BYTES = 8 * 1024 * 1024
CONTENT_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")
"""What a model's answers depend on: weights, configuration, tokenizer, chat template."""

HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "merges.txt"]


def resolve_weights(weights: str, revision: str | None) -> Path:
    """Return the local directory of `weights`: itself when it is a directory, else a snapshot from the hub.

    Raises JobError `weights_not_found` when there is neither or no safetensors in it, `internal` when the hub could
    not be reached.
    """
    local = Path(weights)
    if local.is_dir():
        directory = local.resolve()
    elif weights.startswith(("/", ".", "~")):
        raise _no_directory(weights)
    else:
        directory = _download(weights, revision, HUB_FILES)
    files = weight_files(directory)
    if not files or not all(file.is_file() for file in (directory / "config.json", *files)):
        raise JobError(
            "weights_not_found",
            f"{directory} lacks config.json or a safetensors file.",
            "Convert a GGUF with `rehearse_ml convert`, or save the model with save_pretrained.",
        )
    return directory


def resolve_tokenizer(weights: str, revision: str | None) -> Path:
    """Return a directory with the small files of `weights`: itself when it is one, else those from the hub.

    Raises JobError `weights_not_found`, and `hub_unreachable` when the hub does not answer.
    """
    local = Path(weights)
    if local.is_dir():
        return local.resolve()
    if weights.startswith(("/", ".", "~")):
        raise _no_directory(weights)
    try:
        return _download(weights, revision, [pattern for pattern in HUB_FILES if "safetensors" not in pattern])
    except JobError as error:
        if error.kind == "internal":
            raise JobError("hub_unreachable", error.message, error.hint) from error
        raise


def _no_directory(weights: str) -> JobError:
    return JobError(
        "weights_not_found",
        f"There is no directory {weights}.",
        "Point weights to a directory with config.json and *.safetensors, or to a hub id such as org/name.",
    )


def weight_files(directory: Path) -> list[Path]:
    """Return the safetensors files of the model in `directory`, sorted by name: those of its index if it has one."""
    index = directory / "model.safetensors.index.json"
    if index.is_file():  # some repositories ship the same weights a second time in one file
        shards: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        return [directory / name for name in sorted(set(shards.values()))]
    return sorted(directory.glob("*.safetensors"), key=lambda file: file.name)


def weights_sha256(directory: Path) -> str:
    """Return the SHA-256 over the safetensors files of `directory` in name order: each name, a NUL, its bytes."""
    digest = hashlib.sha256()
    for file in weight_files(directory):
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            while chunk := stream.read(HASH_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def content_sha256(directory: Path, hashes: Path | None = None) -> str:
    """Return the SHA-256 of all that the model in `directory` is: what `sha256sum FILES | sha256sum` gives.

    The files are those of CONTENT_FILES, in name order. With `hashes`, a JSON file, one whose size, time and inode are
    as before is not read again: 140 GB take minutes.
    """
    known: dict[str, list[int | str]] = {}
    if hashes is not None and hashes.is_file():
        known = json.loads(hashes.read_text(encoding="utf-8"))
    files = sorted(
        (
            file
            for pattern in CONTENT_FILES
            for file in directory.glob(pattern)
            if file.is_file() and file.name[0] != "."
        ),
        key=lambda file: file.name,
    )
    seen: dict[str, list[int | str]] = {}
    for file in files:
        path = str(file.resolve())
        stat = file.stat()
        state: list[int | str] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        before = known.get(path)
        seen[path] = before if before is not None and before[:-1] == state else [*state, _file_sha256(file)]
    if hashes is not None and any(known.get(path) != entry for path, entry in seen.items()):
        write_json_atomic(hashes, {**known, **seen})
    lines = "".join(f"{seen[str(file.resolve())][-1]}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parameter_count(directory: Path) -> int:
    """Return how many parameters the safetensors files hold, from their headers alone.

    Raises JobError `weights_not_found` for a file that is not a safetensors file (a stray LFS pointer, say).
    """
    total = 0
    for file in weight_files(directory):
        try:
            with file.open("rb") as stream:
                (header_bytes,) = struct.unpack("<Q", stream.read(8))
                header = json.loads(stream.read(min(header_bytes, 100_000_000)))
        except (struct.error, ValueError) as error:
            raise JobError(
                "weights_not_found",
                f"{file} is not a safetensors file.",
                "Download it again; a Git LFS pointer looks like this.",
            ) from error
        for name, tensor in header.items():
            if name != "__metadata__":
                size = 1
                for dimension in tensor["shape"]:
                    size *= dimension
                total += size
    return total


def _download(hub_id: str, revision: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    named = hub_id if revision is None else f"{hub_id} at revision {revision}"
    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=patterns))
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise JobError(
            "weights_not_found",
            f"{named} is neither a local directory nor a model that the hub shows us.",
            "Check the name and the revision; a gated model needs HF_TOKEN of an account with access.",
        ) from error
    except OSError as error:  # the network, or the hub itself: another try may do
        raise JobError(
            "internal",
            f"{named} is no local directory and could not be downloaded from the hub: "
            f"{(str(error).strip().splitlines() or [type(error).__name__])[0]}",
            "Check the network, or download the model first and point weights to its directory.",
        ) from error
