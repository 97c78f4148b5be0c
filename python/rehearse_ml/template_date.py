"""The day that chat templates are told is today (`strftime_now`): that of the run, however long it takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from transformers.utils import chat_template_utils


@contextmanager
def today_is(date: str | None) -> Iterator[None]:
    """Within the block, have chat templates take `date` (YYYY-MM-DD) for today; the true day where it is None."""
    if date is None:
        yield
        return

    class Day(datetime):
        """A clock that stands at noon."""

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # pyrefly: ignore - templates ask for no time zone
            """Return noon of that day."""
            return datetime.fromisoformat(f"{date}T12:00:00")

    real = chat_template_utils.datetime
    chat_template_utils.datetime = Day  # what transformers' strftime_now asks
    try:
        yield
    finally:
        chat_template_utils.datetime = real
