"""What all drivers are asked to do."""

import argparse
import json
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    #: Base URL of the endpoint, with /v1.
    url: str
    model: str
    prompts: list[str]
    in_flight: int
    #: Folder for what the tool keeps; the same one at a second start.
    out: Path
    #: Whether the tool's own checkpoint is on, where it is optional.
    checkpoint: bool
    sampling: dict[str, float]


def run(main: Callable[[Job], None]) -> None:
    """Runs the job; the last line of stdout tells the CPU time since the imports and the peak RSS of the largest process."""
    job = read_job()
    before = cpu_seconds()
    main(job)
    peak = max(resource.getrusage(who).ru_maxrss for who in WHO)
    print(json.dumps({"cpuSeconds": cpu_seconds() - before, "peakRssBytes": peak * 1024}), flush=True)


WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def cpu_seconds() -> float:
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, WHO))


def read_job() -> Job:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--prompts", required=True, type=Path, help="JSONL: one string a line")
    parser.add_argument("--in-flight", required=True, type=int)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--checkpoint", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    prompts = [json.loads(line) for line in given.prompts.read_text(encoding="utf-8").splitlines()]
    return Job(
        url=given.url,
        model="bench-model",
        prompts=prompts,
        in_flight=given.in_flight,
        out=given.out.resolve(),
        checkpoint=given.checkpoint,
        sampling={"max_tokens": 512, "temperature": 0.0},
    )
