"""The one error type that a job reports to its caller, and how foreign exceptions become it."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

ErrorKind = Literal[
    "bad_spec",
    "bad_data",
    "dataset_not_found",
    "hub_unreachable",
    "weights_not_found",
    "weights_changed",
    "chat_template",
    "tokenizer_mismatch",
    "backend_missing",
    "endpoint_refused",
    "endpoint_unavailable",
    "out_of_memory",
    "nan_loss",
    "disk_full",
    "missing_gpu",
    "missing_package",
    "dtype_refused",
    "interrupted",
    "repeated",
    "internal",
]

# Less than this left where a job writes means that its failed write was a full disk (safetensors and torch report
# it under their own exception types, without an errno).
FULL_DISK_BYTES = 16 * 1024 * 1024


class JobError(Exception):
    """A failure that the caller can act on: what kind, what was wrong and where, and the way out."""

    def __init__(self, kind: ErrorKind, message: str, hint: str) -> None:
        """Keep the three parts that the `error` event carries."""
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.hint = hint


def classify(error: BaseException, output_dir: Path | None) -> JobError:
    """Return the JobError that `error` is, was caused by, or amounts to.

    `output_dir` is where the job writes; its free space tells a full disk from another failed write.
    """
    for link in causes(error):
        if isinstance(link, JobError):
            return link
        if is_full_disk(link):
            return _disk_full(output_dir, link)
        if isinstance(link, MemoryError) or _is_torch_out_of_memory(link):
            return JobError(
                "out_of_memory",
                f"The job ran out of memory: {first_line(link)}",
                "Lower perDeviceBatchSize (raise gradientAccumulation in turn), batchSize or maxLength, turn "
                "gradientCheckpointing on, or use a larger machine.",
            )
    if output_dir is not None and output_dir.exists() and shutil.disk_usage(output_dir).free < FULL_DISK_BYTES:
        return _disk_full(output_dir, error)
    notes = "".join(f", {note}" for note in getattr(error, "__notes__", []))
    return JobError(
        "internal",
        f"{type(error).__name__}: {first_line(error)}{notes}",
        "This is a fault of the job or of a library under it; its traceback is on stderr.",
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and what led to it, the nearest first."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def is_full_disk(error: BaseException) -> bool:
    """Tell whether the system says that a disk, or a quota, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _is_torch_out_of_memory(error: BaseException) -> bool:
    # By name, so that a job which never needed torch does not pay for its import to report an error.
    if any(base.__name__ == "OutOfMemoryError" for base in type(error).__mro__):
        return True
    # torch's CPU allocator has no exception class of its own, so its text is all there is.
    return type(error) is RuntimeError and "DefaultCPUAllocator: can't allocate memory" in str(error)


def _disk_full(output_dir: Path | None, error: BaseException) -> JobError:
    return JobError(
        "disk_full",
        f"The disk that holds {output_dir} is full: {first_line(error)}",
        "Free some space, or point outputDir to a larger disk; finished work is kept and the job resumes.",
    )


def first_line(error: BaseException) -> str:
    """Return the first line of what `error` says."""
    return (str(error).strip().splitlines() or ["no message"])[0]
