"""Where the leaderboard's data sets are on the hub, and what to do when they cannot be had."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import datasets
import lm_eval
from lm_eval.tasks._yaml_loader import load_yaml

from .errors import JobError
from .leaderboard import Subtask
from .spec import TaskName

LEADERBOARD_FOLDER = Path(lm_eval.__file__).parent / "tasks" / "leaderboard"


def load_split(subtask: Subtask, split: str) -> datasets.Dataset:
    """Return the split of the hub data set that lm-evaluation-harness reads for `subtask`."""
    config = load_yaml(LEADERBOARD_FOLDER / subtask.yaml, resolve_func=False)
    return datasets.load_dataset(config["dataset_path"], config.get("dataset_name"), split=split)


@contextmanager
def explained(task: TaskName) -> Iterator[None]:
    """Turn the hub's errors within the block into JobErrors that say what to do."""
    try:
        yield
    except datasets.exceptions.DatasetNotFoundError as error:
        raise JobError(
            "bad_data",
            f"The hub does not show us the data set of {task}: {error}",
            "Accept its terms on the hub and set HF_TOKEN (GPQA is gated), or name local files in data.",
        ) from error
    except ConnectionError as error:
        raise JobError(
            "internal",
            f"The data set of {task} could not be fetched from the hub: {error}",
            "Check the network and run again (finished tasks are kept), or name local files in data.",
        ) from error
