"""Reports lm-evaluation-harness' progress bars over requests."""

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from tqdm import tqdm
from tqdm.asyncio import tqdm_asyncio

Report = Callable[[int, int], None]
"""Told how many requests are done, and of how many."""

INTERVAL_SECONDS = 1.0
KEPT = "Checking cached requests"
"""The bar over all requests, before those that are not kept from before are made."""

MODELS = ("huggingface", "api_models", "vllm_causallms")


@contextmanager
def reported(report: Report) -> Iterator[None]:
    """Within the block, the bars of lm-evaluation-harness call `report`. Requests kept from before count as done."""
    whole = 0

    def tell(bar: Any, done: int, last: float) -> float:  # noqa: ANN401 - a bar of either kind
        total, now = int(bar.total or done), time.monotonic()
        if done < total and now - last < INTERVAL_SECONDS:
            return last
        report(max(whole, total) - total + done, max(whole, total))
        return now

    class Bar(tqdm):  # type: ignore[type-arg]
        last = float("-inf")

        def update(self, n: float | None = 1) -> bool | None:
            shown = super().update(n)
            self.last = tell(self, int(self.n), self.last)
            return shown

    class AsyncBar(tqdm_asyncio):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[Any]:
            last = float("-inf")
            for done, item in enumerate(super().__iter__(), start=1):
                last = tell(self, done, last)
                yield item

    class KeptBar(tqdm):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - tqdm's own
            nonlocal whole
            super().__init__(*args, **options)
            if str(self.desc).startswith(KEPT):
                whole = int(self.total or 0)

    with ExitStack() as stack:
        for name in MODELS:
            module = sys.modules.get(f"lm_eval.models.{name}")
            if module is None:
                continue
            stack.enter_context(_replaced(module, "tqdm", Bar))
            if hasattr(module, "tqdm_asyncio"):
                stack.enter_context(_replaced(module, "tqdm_asyncio", AsyncBar))
        stack.enter_context(_replaced(importlib.import_module("lm_eval.api.model"), "tqdm", KeptBar))
        yield


@contextmanager
def _replaced(module: ModuleType, name: str, bar: type) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, bar)
    try:
        yield
    finally:
        setattr(module, name, original)
