"""Where the leaderboard's data sets are on the hub."""

from pathlib import Path

import datasets
import lm_eval
from lm_eval.tasks._yaml_loader import load_yaml

from .leaderboard import Subtask

LEADERBOARD_FOLDER = Path(lm_eval.__file__).parent / "tasks" / "leaderboard"


def load_split(subtask: Subtask, split: str) -> datasets.Dataset:
    """Return the split of the hub data set that lm-evaluation-harness reads for `subtask`."""
    config = load_yaml(LEADERBOARD_FOLDER / subtask.yaml, resolve_func=False)
    return datasets.load_dataset(config["dataset_path"], config.get("dataset_name"), split=split)
