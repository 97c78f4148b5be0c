"""Serve a GGUF model with llama.cpp's own server (xllamacpp) behind the OpenAI API, until it is ended by a signal.

Differs from llama-server in three ways: its sampling defaults are the OpenAI API's (plain sampling from the model's
distribution), it stays quick on a busy machine, and a prompt finds the slot of the one that it extends.
"""

import argparse
import ctypes
import os
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Any, NoReturn


def main() -> None:
    """Start the server from the command line's arguments; exit with EX_CONFIG where a second try is useless."""
    args = parse_arguments()
    # Read by OpenMP as it loads. Threads that spin at barriers wait for one another's time slices on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    engine = import_engine()
    if not is_gguf(args.gguf):
        refuse(f"{args.gguf} is no GGUF file")

    params = engine.CommonParams()
    params.model.path = str(args.gguf)
    params.model_alias = {args.alias}
    params.hostnames = [args.host]
    params.port = args.port
    # A judgment is two calls, of which the second extends the first. Between them another request takes the place that
    # has become free: with slots to spare, and preferring one only for nearly its whole prompt, it leaves the first
    # call's slot alone.
    slots = args.slots or args.parallel + args.parallel // 2
    params.n_parallel = slots
    params.n_ctx = slots * args.context_tokens
    params.slot_prompt_similarity = args.slot_similarity
    params.cpuparams.n_threads = args.threads
    params.cpuparams_batch.n_threads = args.threads
    params.sampling.temp = 1.0
    params.sampling.top_p = 1.0
    params.sampling.top_k = 0
    params.sampling.min_p = 0.0
    params.endpoint_metrics = True
    params.ui = False
    # No page in the user's browser may call it.
    params.cors_origins = ""
    server = engine.Server(params)
    print(f"listening on {server.listening_address}", flush=True)
    threading.Event().wait()


def parse_arguments() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--alias", required=True, help="name of the model in the API")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--parallel", type=int, default=8, help="requests worked on at once")
    parser.add_argument("--slots", type=int, help="prompts kept in memory (default: half as many again as --parallel)")
    parser.add_argument("--slot-similarity", type=float, default=0.9, help="part of a prompt that a slot must hold")
    parser.add_argument("--context-tokens", type=int, default=2048, help="prompt and reply of one request")
    parser.add_argument("--threads", type=int, default=usable_cpus())
    return parser.parse_args()


def is_gguf(path: Path) -> bool:
    """Tell whether a file is there that begins as GGUF files do."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def refuse(why: str) -> NoReturn:
    """End in a way that tells the caller not to try again."""
    print(f"serve_model: {why}", file=sys.stderr)
    sys.exit(os.EX_CONFIG)


def usable_cpus() -> int:
    """Return the CPUs that this process may use, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def import_engine() -> Any:  # noqa: ANN401 - the engine is a module without types
    """Import xllamacpp; where the system has no OpenMP runtime, lend it the one that torch brings."""
    try:
        import xllamacpp
    except ImportError as error:
        lent = sorted((Path(sysconfig.get_path("platlib")) / "torch" / "lib").glob("libgomp*.so*"))
        if "libgomp" not in str(error) or not lent:
            refuse(f"xllamacpp cannot be imported: {error}")
        ctypes.CDLL(str(lent[0]), mode=ctypes.RTLD_GLOBAL)
        import xllamacpp
    return xllamacpp


if __name__ == "__main__":
    main()
