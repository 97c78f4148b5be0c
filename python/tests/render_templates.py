"""Render conversations with transformers, as training does: `python render_templates.py INPUT.json` prints a list.

INPUT holds {templates: {name: text}, variables, conversations: {name: messages}, day}. An entry of the list is the
text, or null where the template refuses the conversation.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from transformers.utils import chat_template_utils


def main() -> None:
    """Print what transformers renders of every template and conversation, with and without the header of a reply."""
    given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    day = datetime.fromisoformat(f"{given['day']}T12:00:00")

    def now(_: object) -> datetime:
        return day

    # What `strftime_now` asks.
    chat_templates: Any = chat_template_utils
    chat_templates.datetime = type("Clock", (datetime,), {"now": classmethod(now)})
    texts = [
        render(template, messages, variables=given["variables"], header=header, thinking=thinking)
        for template in given["templates"].values()
        for messages in given["conversations"].values()
        for header in (False, True)
        for thinking in (None, False, True)
    ]
    json.dump(texts, sys.stdout)


def render(
    template: str, messages: list[dict[str, str]], *, variables: dict[str, str], header: bool, thinking: bool | None
) -> str | None:
    """Return the text of one conversation."""
    switch = {} if thinking is None else {"enable_thinking": thinking}
    given: dict[str, Any] = {**variables, **switch}
    try:
        rendered, _ = chat_template_utils.render_jinja_template(
            conversations=[cast("Any", messages)], chat_template=template, add_generation_prompt=header, **given
        )
    except Exception:  # whatever it is, there is no text
        return None
    return str(rendered[0])


if __name__ == "__main__":
    main()
