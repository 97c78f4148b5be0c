"""Become vLLM's own server, where it is installed: `python serve_vllm.py ARGUMENT…` is `vllm serve ARGUMENT…`."""

import importlib.util
import os
import sys


def main() -> None:
    """Exit with EX_CONFIG and a sentence where there is no vLLM; another try would find none either."""
    if importlib.util.find_spec("vllm") is None:
        print(
            f"serve_vllm: there is no vLLM for {sys.executable}; install it there, name a Python that has it in "
            "REHEARSE_VLLM_PYTHON of the gpu worker, or use another engine",
            file=sys.stderr,
        )
        sys.exit(os.EX_CONFIG)
    os.execv(sys.executable, [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
