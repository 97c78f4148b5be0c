"""What two trainings one behind the other come to."""

from collections import Counter

from .results import SftResult


def one_after_another(first: SftResult, second: SftResult) -> SftResult:
    """Return the second's result with the first's steps before its own, and the counts of both."""
    steps = first["steps"]
    return {
        **second,
        "steps": steps + second["steps"],
        "examples": first["examples"] + second["examples"],
        "tokens": first["tokens"] + second["tokens"],
        "trainedTokens": first["trainedTokens"] + second["trainedTokens"],
        "truncated": first["truncated"] + second["truncated"],
        "dropped": first["dropped"] + second["dropped"],
        "unrenderable": dict(Counter(first.get("unrenderable", {})) + Counter(second.get("unrenderable", {}))),
        "controlTexts": first.get("controlTexts", 0) + second.get("controlTexts", 0),
        "thoughtsKept": first.get("thoughtsKept", 0),
        "thoughtsLeftOut": first.get("thoughtsLeftOut", 0),
        "lossCurve": [
            *first["lossCurve"],
            *({**point, "step": steps + point["step"]} for point in second["lossCurve"]),
        ],
        "evalCurve": first["evalCurve"],
        "seconds": round(first["seconds"] + second["seconds"], 3),
    }
