"""Have models answer the same prompts, one model after the other: JSON lines in, JSON lines out.

Reads {"prompt", "maxTokens"} a line; writes {"model", "text", "cut"} for each model, then {"done": true}. One model
is in memory at a time unless `--keep` is given. Messages are rendered by each model's own chat template.
"""

import argparse
import gc
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging


@dataclass(frozen=True)
class Loaded:
    """A model with its tokenizer."""

    model: Any
    tokenizer: PreTrainedTokenizerBase


class Models:
    """Models by name, loaded when they are asked."""

    def __init__(self, places: dict[str, tuple[str, str | None]], *, keep: bool) -> None:
        """Take where each lies: a directory or hub id, and a revision."""
        self._places = places
        self._keep = keep
        self._loaded: dict[str, Loaded] = {}

    def get(self, name: str) -> Loaded:
        """Return a model; without `keep` the others leave memory first."""
        if name not in self._loaded:
            if not self._keep:
                self._loaded.clear()
                gc.collect()
            self._loaded[name] = self._load(*self._places[name])
        return self._loaded[name]

    def _load(self, place: str, revision: str | None) -> Loaded:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        tokenizer = cast("PreTrainedTokenizerBase", AutoTokenizer.from_pretrained(place, revision=revision))
        model = AutoModelForCausalLM.from_pretrained(place, revision=revision, dtype=dtype)
        return Loaded(model=model.to(device).eval(), tokenizer=tokenizer)


@torch.inference_mode()
def answer(loaded: Loaded, prompt: str, most: int, variables: dict[str, Any]) -> tuple[str, bool]:
    """Return what the model answers greedily, its thoughts included, and whether the limit cut it."""
    tokenizer, model = loaded.tokenizer, loaded.model
    messages = [{"role": "user", "content": prompt}]
    text = str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **variables))
    ids = torch.tensor([tokenizer.encode(text, add_special_tokens=False)], device=model.device)
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=most,
        do_sample=False,
        temperature=None,
        top_p=None,
        top_k=None,
        pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
    )
    written = out[0, ids.shape[1] :].tolist()
    return str(tokenizer.decode(written, skip_special_tokens=True)), len(written) >= most


def asked() -> Iterator[dict[str, Any]]:
    """Yield the requests on standard input."""
    for line in sys.stdin:
        if line.strip():
            yield json.loads(line)


def main() -> None:
    """Answer until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=json.loads, required=True, help='{"NAME": [PLACE, REVISION or null], …}')
    parser.add_argument("--variables", type=json.loads, default={}, help="further variables of the chat template")
    parser.add_argument("--keep", action="store_true", help="all models stay in memory")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    out = sys.stdout
    sys.stdout = sys.stderr  # libraries print
    models = Models({name: (place, revision) for name, (place, revision) in options.models.items()}, keep=options.keep)
    for request in asked():
        for name in options.models:
            text, cut = answer(models.get(name), request["prompt"], request["maxTokens"], options.variables)
            print(json.dumps({"model": name, "text": text, "cut": cut}), file=out, flush=True)
        print(json.dumps({"done": True}), file=out, flush=True)


if __name__ == "__main__":
    main()
