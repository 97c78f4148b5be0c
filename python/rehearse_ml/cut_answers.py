"""How many of the answers that a model wrote the token limit ended: what is scored of these is not its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval.api.model import TemplateLM

from .thinking import Thinking

SLACK = 2
"""Tokens by which a text may be shorter than the tokens that it was decoded from."""


@dataclass(frozen=True)
class CutAnswers:
    """Answers that were written, and those that the limit ended."""

    generated: int
    cut: int


def cut_answers(
    samples: Mapping[str, Sequence[Mapping[str, Any]]], lm: TemplateLM, thinking: Thinking
) -> CutAnswers | None:
    """Return the counts of a task's `samples`; None where no answer was written or no tokenizer is here.

    An answer counts as cut when its tokens are as many as the limit, or when it is empty since a thought did not end.
    """
    tokenizer = getattr(lm, "tokenizer", None)
    generated = cut = 0
    seen: set[tuple[str, Any]] = set()
    for task, each in samples.items():
        for sample in each:
            settings = sample["arguments"][0][1] if sample["arguments"] else None
            name = (task, sample["doc_id"])
            if not isinstance(settings, Mapping) or name in seen:  # there is a sample for each filter of a document
                continue
            seen.add(name)
            limit = int(settings.get("max_gen_toks") or getattr(lm, "max_gen_toks", getattr(lm, "_max_gen_toks", 0)))
            for answers in sample["resps"]:
                for text in answers:
                    generated += 1
                    if not text:
                        cut += thinking.end is not None
                    elif tokenizer is not None and limit:
                        cut += len(tokenizer.encode(text, add_special_tokens=False)) >= limit - SLACK
    if not generated or (tokenizer is None and thinking.end is None):
        return None
    return CutAnswers(generated, cut)
