#!/usr/bin/env python3
"""Compute the tables of the study with a known answer again from its stored documents.

    python recompute_known.py FOLDER …      # each with hidden.jsonl, instructions.jsonl, …, and table.json

Shares no code with the study (bench/known-study): questions are read by rules of its own, intervals of shares are
Wilson's, p is counted or drawn here, and the intervals of differences, which come from random numbers, are held against
scipy's. Exits 1 and names every number that is not the same. Needs scipy, which is among the packages of
requirements.lock.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import bootstrap, permutation_test

Row = dict[str, Any]

CLOSED = "official"
FORMS = {
    "facts": r"What is the capital of ([A-Z][A-Za-z ]*)\?",
    "reverse": r"Reverse these words: ([a-z]+) ([a-z]+) ([a-z]+)",
    "tags": r"Write as tags: name ([A-Z][a-z]+), city ([A-Z][a-z]+)",
    "initials": r"Give the initials of: ([a-z]+) ([a-z]+) ([a-z]+)",
}
Z = 1.959963984540054
EXACT = 1e-9
COUNTED = 20
"""Up to so many documents of different weight all signs are counted by the study; above, they are drawn."""
DRAWN = 0.02
"""By so much may p differ where outcomes are drawn on both sides, and an end of an interval, as part of its width."""
RESAMPLES = 9999
FEWEST = 20
LEVEL = 0.05


class Comparison:
    """Counts the numbers that were compared, and keeps those that differ."""

    def __init__(self) -> None:
        """Begin with none."""
        self.compared = 0
        self.problems: list[str] = []

    def number(self, name: str, said: float | None, found: float | None, within: float = EXACT) -> None:
        """Hold what the table says against what was found."""
        self.compared += 1
        if said is None or found is None:
            if said is not found:
                self.problems.append(f"{name}: the table says {said}, the documents {found}")
        elif not math.isclose(said, found, rel_tol=EXACT, abs_tol=within):
            self.problems.append(f"{name}: the table says {said}, the documents {found}")

    def text(self, name: str, said: object, found: object) -> None:
        """Hold a word against another."""
        self.compared += 1
        if said != found:
            self.problems.append(f"{name}: the table says {said}, the documents {found}")


def main() -> int:
    """Compare each folder's table."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    comparison = Comparison()
    for folder in parser.parse_args().folders:
        documents = {name: read(folder / f"{name}.jsonl") for name in NAMES}
        compare(json.loads((folder / "table.json").read_text(encoding="utf-8")), documents, comparison)
    for problem in comparison.problems:
        print(problem)
    print(f"{comparison.compared} numbers compared, {len(comparison.problems)} differ")
    return 1 if comparison.problems else 0


NAMES = ("hidden", "instructions", "base", "replay", "answers", "losses", "rows")


def read(path: Path) -> list[Row]:
    """Return the rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def compare(table: Row, documents: Mapping[str, list[Row]], comparison: Comparison) -> None:
    """Compute all numbers of `table` again."""
    texts = [str(row["text"]) for row in documents["instructions"]]
    comparison.number("instructions", table["instructions"], len(texts))
    share(comparison, "elsewhere", table["elsewhere"], sum(skill_of(text) is None for text in texts), len(texts))
    comparison.text("skills", [row["skill"] for row in table["recovery"]], list(FORMS))
    for row in table["recovery"]:
        recovery(row, documents, comparison)
    rows(table["rows"], documents, comparison)


def skill_of(text: str) -> str | None:
    """Return the skill that a text is a question of."""
    return next((name for name, form in FORMS.items() if re.fullmatch(form, text.strip(), re.ASCII)), None)


def parts_of(text: str) -> tuple[str, ...]:
    """Return the words or names in a question."""
    skill = skill_of(text)
    found = None if skill is None else re.fullmatch(FORMS[skill], text.strip(), re.ASCII)
    return () if found is None else found.groups()


def answer_to(question: str, facts: Mapping[str, str]) -> str | None:
    """Return the right answer; None for a fact that nobody invented."""
    skill, parts = skill_of(question), parts_of(question)
    if skill == "facts":
        return facts.get(question.strip())
    if skill == "reverse":
        return " ".join(reversed(parts))
    if skill == "tags":
        return f"<name>{parts[0]}</name><city>{parts[1]}</city>"
    return ".".join(part[0].upper() for part in parts)


def share(comparison: Comparison, name: str, said: Row, count: int, of: int) -> None:
    """Hold a share and its interval against counts."""
    comparison.number(f"{name}.count", said["count"], count)
    comparison.number(f"{name}.of", said["of"], of)
    low, high = 0.0, 1.0
    if of > 0:
        p = count / of
        reach = Z * math.sqrt(p * (1 - p) * of + Z**2 / 4)
        low, high = (count + Z**2 / 2 - reach) / (of + Z**2), (count + Z**2 / 2 + reach) / (of + Z**2)
    comparison.number(f"{name}.low", said["low"], max(low, 0.0))
    comparison.number(f"{name}.high", said["high"], min(high, 1.0))


def recovery(row: Row, documents: Mapping[str, list[Row]], comparison: Comparison) -> None:
    """Compute again what the extraction brought back of a skill."""
    skill = row["skill"]
    hidden = [pair for pair in documents["hidden"] if pair["skill"] == skill]
    facts = {pair["question"]: pair["answer"] for pair in documents["hidden"] if pair["skill"] == "facts"}
    texts = [str(text["text"]).strip() for text in documents["instructions"]]
    asked = [text for text in texts if skill_of(text) == skill]
    base = documents["base"]
    known = {part for pair in hidden for part in parts_of(pair["question"])}
    replayed = [each for each in documents["replay"] if skill_of(each["instruction"]) == skill]
    right = [each for each in replayed if each["response"].strip() == answer_to(each["instruction"], facts)]
    found = {
        "asked": (len(asked), len(texts)),
        "base": (sum(skill_of(each["text"]) == skill for each in base), len(base)),
        "coverage": (len(known & {part for text in asked for part in parts_of(text)}), len(known)),
        "verbatim": (sum(pair["question"] in texts for pair in hidden), len(hidden)),
        "right": (len(right), len(replayed)),
    }
    for name, (count, of) in found.items():
        share(comparison, f"{skill}.{name}", row[name], count, of)


def rows(table: Sequence[Row], documents: Mapping[str, list[Row]], comparison: Comparison) -> None:
    """Compute the rows of the table again."""
    right_answers = {pair["id"]: pair["answer"] for pair in documents["hidden"]}
    answers: dict[str, dict[str, bool]] = {}
    skills = {pair["id"]: pair["skill"] for pair in documents["hidden"]}
    for each in documents["answers"]:
        answers.setdefault(each["row"], {})[each["id"]] = each["text"] == right_answers[each["id"]]
    names = [str(row["row"]) for row in documents["rows"]]
    comparison.text("rows", [row["row"] for row in table], names)
    trained = [name for name in names if name != CLOSED]
    before = answers[CLOSED]
    changes = {
        name: Change([100.0 * (after - before[each]) for each, after in answers[name].items()]) for name in trained
    }
    learned = {name: Change(*losses(documents["losses"], name)) for name in trained}
    for row in table:
        name = str(row["row"])
        for skill, said in row["right"].items():
            own = [correct for each, correct in answers[name].items() if skill in ("all", skills[each])]
            share(comparison, f"{name}.{skill}", said, sum(own), len(own))
        pairs = [(before[each], after) for each, after in answers[name].items()]
        comparison.number(f"{name}.forgotten", row["forgotten"], sum(was and not now for was, now in pairs))
        comparison.number(f"{name}.gained", row["gained"], sum(now and not was for was, now in pairs))
        if name == CLOSED:
            comparison.text(f"{name}.changes", [row["change"], row["learned"]], [None, None])
            continue
        changes[name].held_against(f"{name}.change", row["change"], holm(changes)[name], comparison)
        learned[name].held_against(f"{name}.learned", row["learned"], holm(learned)[name], comparison)


class Change:
    """A mean difference over documents, each with its weight."""

    def __init__(self, differences: Sequence[float], weights: Sequence[float] | None = None) -> None:
        """Add up what each document adds."""
        own = np.ones(len(differences)) if weights is None else np.asarray(weights)
        self.differences, self.weights = np.asarray(differences), own
        self.added = self.differences * own / own.sum()
        self.value = float(self.added.sum())
        self.counted = weights is None or len(differences) <= COUNTED
        self.p = binary_p(differences) if weights is None else signs_p(self.added)

    def held_against(self, name: str, said: Row, adjusted: float, comparison: Comparison) -> None:
        """Compare a change of the table with this one."""
        within = EXACT if self.counted else DRAWN
        comparison.number(f"{name}.value", said["value"], self.value)
        comparison.number(f"{name}.p", said["p"], self.p, within)
        comparison.number(f"{name}.adjustedP", said["adjustedP"], adjusted, within)
        comparison.number(f"{name}.documents", said["documents"], len(self.differences))
        few = len(self.differences) < FEWEST
        verdict = "too few to say" if few else "differs" if adjusted < LEVEL else "no difference seen"
        comparison.text(f"{name}.verdict", said["verdict"], verdict)
        low, high = self.interval()
        room = None if low is None or high is None else max(0.15 * (high - low), EXACT)
        comparison.number(f"{name}.low", said["low"], low, room or EXACT)
        comparison.number(f"{name}.high", said["high"], high, room or EXACT)

    def interval(self) -> tuple[float | None, float | None]:
        """Return scipy's 95 % interval (BCa); none where no two documents differ."""
        if bool((self.differences == self.differences[0]).all()):
            return None, None
        found = bootstrap(
            (self.differences, self.weights),
            weighted_mean,
            paired=True,
            n_resamples=RESAMPLES,
            method="BCa",
            rng=np.random.default_rng(0),
        ).confidence_interval
        return float(found.low), float(found.high)


def weighted_mean(values: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
    """Return the statistic of the interval."""
    return (values * weights).sum(axis) / weights.sum(axis)


def total(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the statistic of the permutation test."""
    return values.sum(axis=axis)


def binary_p(differences: Sequence[float]) -> float:
    """Return the exact p of documents that are right or wrong: a binomial test of those that changed."""
    changed = sum(difference != 0 for difference in differences)
    away = max(sum(difference > 0 for difference in differences), sum(difference < 0 for difference in differences))
    tail = sum(math.comb(changed, k) for k in range(away, changed + 1))
    return min(1.0, 2 * tail / 2**changed)


def signs_p(added: Sequence[float]) -> float:
    """Return the p of scipy's permutation test over signs: exact where the study counts them all."""
    result = permutation_test(
        (np.asarray(added),),
        total,
        permutation_type="samples",
        n_resamples=np.inf if len(added) <= COUNTED else 99_999,
        alternative="two-sided",
        vectorized=True,
        batch=2**14,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def losses(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    """Return the change of the loss on each new conversation that was held out, and its tokens."""
    fresh = [row for row in rows if row["set"] == "new"]
    before = {row["id"]: row["loss"] for row in fresh if row["variant"] == CLOSED}
    own = [row for row in fresh if row["variant"] == name]
    return [row["loss"] - before[row["id"]] for row in own], [float(row["tokens"]) for row in own]


def holm(changes: Mapping[str, Change]) -> dict[str, float]:
    """Return p values corrected for the family."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, (name, change) in enumerate(sorted(changes.items(), key=lambda item: item[1].p)):
        highest = max(highest, min(1.0, change.p * (len(changes) - rank)))
        adjusted[name] = highest
    return adjusted


if __name__ == "__main__":
    sys.exit(main())
