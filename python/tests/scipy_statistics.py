#!/usr/bin/env python3
"""What scipy says of paired differences, for a test that the project's own statistics say the same.

Reads a JSON list of cases, each {"tasks": [{"differences": [...], "weights": [...], "scale": 1.0}, ...]}, from the
file that it is given, and prints a list of {"p", "low", "high", "percentile": [low, high]}: the permutation test of
`scipy.stats.permutation_test` (samples, two-sided) over the sum of what each document adds, and the intervals of
`scipy.stats.bootstrap`. Null where scipy gives none.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

Array = np.ndarray[Any, np.dtype[np.float64]]

RESAMPLES = 20_000


def main() -> None:
    """Print what scipy says of each case."""
    cases = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps([describe(case["tasks"]) for case in cases]))


def describe(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return p and intervals of one comparison."""
    added = np.concatenate([contributions(task) for task in tasks])
    changed = added[added != 0]
    flips = math.inf if len(changed) <= 14 else 99_999
    p = (
        float(
            stats.permutation_test(
                (changed,), np.sum, permutation_type="samples", n_resamples=flips, vectorized=False,
                rng=np.random.default_rng(7),
            ).pvalue
        )
        if len(changed) > 1
        else 1.0
    )  # fmt: skip
    return {"p": p, **interval(tasks, "BCa"), "percentile": list(interval(tasks, "percentile").values())}


def contributions(task: dict[str, Any]) -> Array:
    """Return what each document adds to the mean of its task."""
    differences = np.array(task["differences"])
    weights = np.array(task.get("weights", [1.0] * len(differences)))
    return differences * weights / weights.sum() * task["scale"]


def interval(tasks: list[dict[str, Any]], method: str) -> dict[str, float | None]:
    """Return the 95 % interval of the mean over tasks; documents are drawn by number, their weights with them."""

    def mean(*drawn: Array, axis: int = -1) -> Array:
        means = []
        for task, numbers in zip(tasks, drawn, strict=True):
            index = numbers.astype(int)
            weights = np.array(task.get("weights", [1.0] * len(task["differences"])))[index]
            values = np.array(task["differences"])[index] * weights
            means.append(values.sum(axis=axis) / weights.sum(axis=axis) * task["scale"])
        return np.mean(np.array(np.broadcast_arrays(*means)), axis=0)

    numbers = [np.arange(len(task["differences"]), dtype=np.float64) for task in tasks]
    with np.errstate(all="ignore"):
        found = stats.bootstrap(
            numbers, mean, n_resamples=RESAMPLES, method=method, rng=np.random.default_rng(7), axis=-1
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    return {"low": None if math.isnan(low) else low, "high": None if math.isnan(high) else high}


if __name__ == "__main__":
    main()
