#!/usr/bin/env python3
"""Compute a report's table again, from the documents alone, and hold it against the report.

    npx rehearse export RUN --stage evaluation --out evaluation.jsonl
    npx rehearse report RUN --out report
    python3 python/recompute_table.py evaluation.jsonl --report report
    npx rehearse export RUN --stage losses --out losses.jsonl          # where the spec has mix.holdOut
    python3 python/recompute_table.py evaluation.jsonl --losses losses.jsonl --report report
    python3 python/recompute_table.py --counts report   # without the documents: p from the counts of changed ones

Needs nothing but Python 3.11 and shares no code with what made the report: scores, normalised scores, averages,
differences and transitions are computed here from the rows, by the definitions of the leaderboard and of
docs/report.md. So is p where the report counted all outcomes (`exact`): the share of all choices of signs of the
differences whose mean is as far from 0. Intervals, and p where outcomes were drawn (`sampled`), come from random
numbers and are not computed again.

Prints the table. Exits 1, and names each number, when one of the report is off by more than 1e-6; 2 when the input is
unusable.
"""

import argparse
import csv
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

CHANCE = {"mmlu_pro": 1 / 10, "gpqa": 1 / 4, "ifeval": 0.0, "math_level_5": 0.0}
"""What guessing gets right: ten options, four options, none. Other tasks: `--chance TASK=SHARE`, else 0."""

TOLERANCE = 1e-6
OFFICIAL = "official"

KEYS = {"variants.csv": ("variant",), "tasks.csv": ("variant", "task"), "held-out.csv": ("set", "variant")}
"""Columns that name a row of each file."""

Numbers = dict[tuple[str, str, str], float]
"""By file of the report, row, and column."""


@dataclass
class Task:
    """One task of one variant: its documents by hash."""

    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a document. A document that is there twice cannot be told from itself, so it is refused."""
        if row["docHash"] in self.documents:
            stop(f"{row['variant']}/{row['task']} holds the document {row['docHash']} twice")
        self.documents[row["docHash"]] = row

    def value(self, name: str) -> float:
        """Return the task's own metric, 0 to 1.

        IFEval's is the mean of two: the share of prompts of which every rule was kept, and the share of all rules that
        were kept.
        """
        rows = list(self.documents.values())
        if name != "ifeval":
            return mean(score(row) for row in rows if has_score(row))
        if any(row.get("rules") is None for row in rows):
            stop("the rows of ifeval do not say how many rules were kept; they are of an older version: evaluate again")
        prompts = mean(float(row["correct"]) for row in rows)
        rules = sum(row["rulesKept"] for row in rows) / sum(row["rules"] for row in rows)
        return (prompts + rules) / 2


def main() -> int:
    """Read the rows, print the table, and compare it with a report where one is given."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0], epilog="See docs/report.md.")
    parser.add_argument("rows", type=Path, nargs="?", help="JSON lines of `rehearse export RUN --stage evaluation`")
    parser.add_argument("--report", type=Path, help="folder of `rehearse report RUN --out FOLDER` to compare with")
    parser.add_argument(
        "--losses", type=Path, help="JSON lines of `rehearse export RUN --stage losses`, for held-out.csv"
    )
    parser.add_argument(
        "--chance", action="append", default=[], metavar="TASK=SHARE", help="what guessing scores on another task"
    )
    parser.add_argument(
        "--counts", type=Path, metavar="FOLDER", help="check p of a report's folder by its counts of changed documents"
    )
    arguments = parser.parse_args()
    for setting in arguments.chance:
        task, _, share = setting.partition("=")
        CHANCE[task] = float(share)
    if arguments.counts is not None:
        return told(*compare_counts(arguments.counts))
    if arguments.rows is None:
        stop("give the rows of `rehearse export RUN --stage evaluation`, or --counts FOLDER")
    variants = read(arguments.rows)
    numbers = compute(variants) | (compute_losses(arguments.losses) if arguments.losses is not None else {})
    print_table(variants, numbers)
    if arguments.report is None:
        return 0
    return told(*compare(numbers, arguments.report))


def told(compared: int, problems: list[str]) -> int:
    """Print what came of it; return the exit code."""
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"\n{compared} numbers of the report computed again: {len(problems)} differ")
    return 1 if problems else 0


def read(path: Path) -> dict[str, dict[str, Task]]:
    """Return the documents by variant and task, in the order of the file."""
    variants: dict[str, dict[str, Task]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            variants.setdefault(row["variant"], {}).setdefault(row["task"], Task()).add(row)
    if not variants:
        stop(f"{path} holds no rows; export a run that has been evaluated")
    return variants


def compute(variants: Mapping[str, Mapping[str, Task]]) -> Numbers:
    """Return every number that the documents determine."""
    numbers: Numbers = {}
    official = variants.get(OFFICIAL, {})
    all_tasks = list(dict.fromkeys(name for tasks in variants.values() for name in tasks))
    for variant, tasks in variants.items():
        changes: list[float] = []
        added: list[float] = []
        for name, task in tasks.items():
            key = f"{variant}/{name}"
            numbers["tasks.csv", key, "documents"] = len(task.documents)
            numbers["tasks.csv", key, "value"] = task.value(name)
            normalized = 100 * max(0.0, (task.value(name) - chance(name)) / (1 - chance(name)))
            numbers["tasks.csv", key, "normalized"] = numbers["variants.csv", variant, name] = normalized
            if variant != OFFICIAL and name in official:
                changed = compare_documents(name, official[name], task)
                numbers |= {("tasks.csv", key, column): value for column, value in changed.items()}
                if "difference" in changed:
                    changes.append(changed["difference"])
                    own = contributions(name, official[name], task)
                    added += own
                    numbers["tasks.csv", key, "p"] = sign_flip_p(own)
        if len(tasks) == len(all_tasks):
            numbers["variants.csv", variant, "average"] = mean(numbers["variants.csv", variant, name] for name in tasks)
        if len(changes) == len(all_tasks):
            numbers["variants.csv", variant, "difference"] = mean(changes)
            numbers["variants.csv", variant, "worstDifference"] = min(changes)
            numbers["variants.csv", variant, "p"] = sign_flip_p(added)
    return numbers


def compare_documents(name: str, before: Task, after: Task) -> dict[str, float]:
    """Return what became of the documents that both models answered; empty where their prompts differ."""
    pairs = [(row, after.documents[key]) for key, row in before.documents.items() if key in after.documents]
    if not pairs or any(was["promptHash"] != now["promptHash"] for was, now in pairs):
        return {}
    decided = [(was["correct"], now["correct"]) for was, now in pairs if None not in (was["correct"], now["correct"])]
    retained, forgotten, gained, never = (
        decided.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False))
    )
    guess = chance(name)
    by_luck = guess / (1 - guess) ** 2 * never
    scored = [(score(was), score(now)) for was, now in pairs if has_score(was) and has_score(now)]
    return {
        "paired": len(decided), "retained": retained, "forgotten": forgotten, "gained": gained, "neverRight": never,
        "forgottenBeyondChance": max(0.0, forgotten / (1 - guess) - by_luck),
        "gainedBeyondChance": max(0.0, gained / (1 - guess) - by_luck),
        "difference": mean(now - was for was, now in scored) * 100 / (1 - guess),
    }  # fmt: skip


def contributions(name: str, before: Task, after: Task) -> list[float]:
    """Return what each document that both models answered adds to the mean difference of its task."""
    pairs = [(row, after.documents[key]) for key, row in before.documents.items() if key in after.documents]
    changes = [score(now) - score(was) for was, now in pairs if has_score(was) and has_score(now)]
    return [change * 100 / (1 - chance(name)) / len(changes) for change in changes]


def compute_losses(path: Path) -> Numbers:
    """Return the loss of each variant on each held-out set, its change from the official model, and p."""
    sets: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            sets.setdefault((row["set"], row["variant"]), {})[row["id"]] = row
    numbers: Numbers = {}
    for (name, variant), rows in sets.items():
        key, tokens = f"{name}/{variant}", sum(row["tokens"] for row in rows.values())
        found = {"conversations": float(len(rows)), "tokens": float(tokens), "loss": weighted_loss(rows) / tokens}
        before = sets.get((name, OFFICIAL), {})
        same = {each: row["tokens"] for each, row in before.items()} == {
            each: row["tokens"] for each, row in rows.items()
        }
        if variant != OFFICIAL and same:
            added = [(row["loss"] - before[each]["loss"]) * row["tokens"] / tokens for each, row in rows.items()]
            found |= {"difference": math.fsum(added), "p": sign_flip_p(added)}
        numbers |= {("held-out.csv", key, column): value for column, value in found.items()}
    return numbers


def weighted_loss(rows: Mapping[str, Mapping[str, Any]]) -> float:
    """Return the sum over all tokens, in nats."""
    return math.fsum(row["loss"] * row["tokens"] for row in rows.values())


MOST_SUMS = 2**20
"""Beyond so many different sums p is not computed; the report draws outcomes where there are too many, too."""


def sign_flip_p(added: list[float]) -> float:
    """Return the exact p of a paired permutation test, two-sided; NaN where there are too many outcomes.

    The chances of all sums are built up a document at a time; sums that are equal but for their last digits are one.
    """
    unit = 1e-9 * max((abs(each) for each in added), default=1.0) or 1.0
    chances = {0: 1.0}
    for each in added:
        step = round(each / unit)
        if step == 0:
            continue
        following: dict[int, float] = {}
        for total, probability in chances.items():
            for sign in (step, -step):
                following[total + sign] = following.get(total + sign, 0.0) + probability / 2
        chances = following
        if len(chances) > MOST_SUMS:
            return math.nan
    seen = abs(sum(round(each / unit) for each in added)) - len(added)
    return min(1.0, math.fsum(probability for total, probability in chances.items() if abs(total) >= seen))


def compare_counts(report: Path) -> tuple[int, list[str]]:
    """Hold each exact p of tasks.csv against the counts of documents forgotten and gained.

    Where a document is right or wrong, these are all that p depends on: the sign test. Rows whose difference is not
    that of the counts are of tasks with documents that are half right, and are passed over.
    """
    compared = 0
    problems: list[str] = []
    for row in rows_of(report / "tasks.csv"):
        if row.get("test") != "exact" or row["paired"] == "":
            continue
        forgotten, gained, paired = int(row["forgotten"]), int(row["gained"]), int(row["paired"])
        points = (gained - forgotten) / paired * 100 / (1 - chance(row["task"]))
        if not math.isclose(float(row["difference"]), points, rel_tol=0, abs_tol=TOLERANCE):
            continue
        changed = forgotten + gained
        tail = math.fsum(math.comb(changed, count) / 2**changed for count in range(min(forgotten, gained) + 1))
        compared += 1
        if not math.isclose(float(row["p"]), min(1.0, 2 * tail), rel_tol=1e-6):
            problems.append(
                f"tasks.csv: {row['variant']}/{row['task']} has p {row['p']}; its counts say {min(1.0, 2 * tail)!r}"
            )
    return compared, problems


def compare(numbers: Numbers, report: Path) -> tuple[int, list[str]]:
    """Return how many numbers were compared, and a sentence for each that differs or that only one side has."""
    problems: list[str] = []
    seen: set[tuple[str, str, str]] = set()
    columns = {name: {column for file, _, column in numbers if file == name} for name in KEYS}
    for name, known in columns.items():
        for row in rows_of(report / name) if known else []:
            key = "/".join(row[part] for part in KEYS[name])
            for column in sorted(known & row.keys()):
                shown = row[column]
                cell = (name, key, column)
                seen.add(cell)
                if column == "p" and (row.get("test") != "exact" or math.isnan(numbers.get(cell, math.nan))):
                    numbers.pop(cell, None)
                    continue
                if shown == "" and cell not in numbers:
                    continue
                if shown == "":
                    problems.append(f"{name}: {key} has no {column}; its documents say {numbers[cell]!r}")
                elif cell not in numbers:
                    problems.append(f"{name}: {key} has {column} {shown}; the documents do not tell it")
                elif not math.isclose(
                    float(shown),
                    numbers[cell],
                    rel_tol=TOLERANCE if column == "p" else 0,
                    abs_tol=0 if column == "p" else TOLERANCE,
                ):
                    problems.append(f"{name}: {key} has {column} {shown}; its documents say {numbers[cell]!r}")
    problems += [f"{name}: there is no {key}, {column}; the documents say {numbers[name, key, column]!r}"
                 for name, key, column in numbers if (name, key, column) not in seen]  # fmt: skip
    return len(seen & numbers.keys()), problems


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    if not path.is_file():
        stop(f"{path} is not there; make it with: npx rehearse report RUN --out {path.parent}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def print_table(variants: Mapping[str, Mapping[str, Task]], numbers: Numbers) -> None:
    """Print normalised scores and mean changes, a row a variant."""
    tasks = list(dict.fromkeys(name for each in variants.values() for name in each))
    columns = [*tasks, "average", "difference"]
    print("| variant | " + " | ".join(columns) + " |\n| --- |" + " ---: |" * len(columns))
    for variant in variants:
        cells = [numbers.get(("variants.csv", variant, column)) for column in columns]
        print(f"| {variant} | " + " | ".join("-" if cell is None else f"{cell:.2f}" for cell in cells) + " |")


def has_score(row: Mapping[str, Any]) -> bool:
    """Tell whether the task says how well this document was answered."""
    return row.get("score") is not None or row.get("correct") is not None


def score(row: Mapping[str, Any]) -> float:
    """Return a document's score, 0 to 1; right and wrong are 1 and 0."""
    return float(row["score"] if row.get("score") is not None else row["correct"])


def chance(task: str) -> float:
    """Return what guessing scores."""
    return CHANCE.get(task, 0.0)


def mean(values: Iterable[float]) -> float:
    """Return the mean; there is at least one value."""
    all_values = list(values)
    return math.fsum(all_values) / len(all_values)


def stop(message: str) -> NoReturn:
    """End with a sentence."""
    print(f"recompute_table: {message}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    sys.exit(main())
