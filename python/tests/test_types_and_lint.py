"""The checks that find a mistake before it costs a GPU hour."""

import subprocess
import sys

from conftest import PACKAGE_ROOT


def _check(*command: str) -> str:
    """Return what `python -m command` finds wrong in the package; nothing when it finds nothing."""
    ran = subprocess.run([sys.executable, "-m", *command], cwd=PACKAGE_ROOT, capture_output=True, text=True)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def test_types_agree() -> None:
    interpreter = ("--python-interpreter-path", sys.executable)
    assert _check("pyrefly", "check", "--output-format", "min-text", *interpreter) == ""


def test_ruff_finds_nothing() -> None:
    assert _check("ruff", "check", ".") == ""


def test_the_code_is_formatted() -> None:
    assert _check("ruff", "format", "--check", ".") == ""
