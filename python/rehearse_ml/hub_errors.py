"""What to do when the hub does not give what it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

import datasets
import pyarrow as pa
from huggingface_hub.errors import (
    DisabledRepoError,
    HfUriError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from .errors import JobError, causes, first_line, is_full_disk

EVALUATION_INSTEAD = "name local files in data"
"""The way to evaluate without the hub."""

_NETWORK = (ConnectionError, TimeoutError, HTTPError, LocalEntryNotFoundError)

_NOT_SHOWN = (
    datasets.exceptions.DatasetNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    DisabledRepoError,
    HFValidationError,
)


@contextmanager
def explained(what: str, instead: str) -> Iterator[None]:
    """Turn the hub's errors within the block into JobErrors that say what to do.

    `what` was asked of the hub; `instead` is the way without it. Raises JobError `dataset_not_found`, for which another
    try is of no use, `hub_unreachable`, for which it may be, and `bad_data` for files that do not make one data set.
    """
    try:
        yield
    except _NOT_SHOWN as error:
        raise JobError(
            "dataset_not_found",
            f"The hub does not show us {what}: {first_line(error)}",
            "Check its name and revision; where it is gated, accept its terms on the hub and set HF_TOKEN of that "
            f"account; or {instead}.",
        ) from error
    except (datasets.exceptions.DatasetsError, HfUriError, pa.ArrowInvalid, *_NETWORK) as error:
        # DatasetGenerationError says only that something went wrong; what did is among its causes.
        chain = list(causes(error))
        if any(is_full_disk(link) for link in chain):
            raise
        network = next((link for link in chain if isinstance(link, _NETWORK)), None)
        if network is None:
            raise JobError(
                "bad_data",
                f"{what[0].upper()}{what[1:]} cannot be read: {first_line(chain[-1])}",
                f"Look at it on the hub; it may need another revision or config; or {instead}.",
            ) from error
        raise JobError(
            "hub_unreachable",
            f"{what[0].upper()}{what[1:]} could not be fetched from the hub: {first_line(network)}",
            f"Check the network and run again (what is done is kept), or {instead}.",
        ) from error
