"""Command line: `python -m rehearse_ml COMMAND --spec FILE`. See python/README.md."""

import argparse
import os
import sys
import traceback
from pathlib import Path
from typing import assert_never, get_args

from . import PROTOCOL
from .errors import JobError, classify
from .faults import repeated
from .job import Interruption, exclusive
from .launch import launch, needs_launch, rank
from .protocol import Events, claim_stdout
from .spec import (
    SPECS,
    Command,
    ConvertSpec,
    DatasetsSpec,
    DocumentsSpec,
    EvaluateSpec,
    InterpolateSpec,
    JobSpec,
    RenderSpec,
    SftSpec,
    TasksSpec,
    TrackersSpec,
    WeightsSpec,
    load_spec,
)


def main() -> int:
    """Run one job and return its exit status: 0 only with a result."""
    parser = argparse.ArgumentParser(prog="python -m rehearse_ml", description=__doc__)
    parser.add_argument("command", choices=get_args(Command))
    parser.add_argument("--spec", required=True, type=Path, help=f"JSON file, protocol {PROTOCOL}")
    arguments = parser.parse_args()
    command: Command = arguments.command

    interruption = Interruption()
    stdout = claim_stdout()
    events = Events(stdout, on_reader_gone=interruption.request, errors_only=rank() > 0)
    output_dir: Path | None = None
    try:
        interruption.install()
        spec = load_spec(SPECS[command], arguments.spec)
        output_dir = Path(spec.output_dir)
        if isinstance(spec, SftSpec) and needs_launch(spec):
            launch(spec, arguments.spec, stdout)
        result = _run(spec, events, interruption)
        if result is not None:
            events.result(result)
    except BaseException as error:  # every way out of a job is an `error` event
        if isinstance(error, SystemExit):
            raise
        job_error = classify(error, output_dir)
        if job_error.kind == "internal":
            traceback.print_exc(file=sys.stderr)
            if output_dir is not None and not isinstance(error, JobError) and rank() == 0:
                job_error = repeated(error, output_dir) or job_error
        with interruption.deferred():
            events.error(job_error)
        return 1
    return 0


def _run(spec: JobSpec, events: Events, interruption: Interruption) -> Path | None:
    """Return the path of the result; None in a process of a launched training that is not the first.

    Each job imports its libraries only here: a wrong spec is reported without them.
    """
    if isinstance(spec, SftSpec | EvaluateSpec):
        _limit_threads(spec.threads)
    if isinstance(spec, SftSpec | RenderSpec | EvaluateSpec):
        from .template_date import today_is

        with today_is(spec.date):
            return _job(spec, events, interruption)
    return _job(spec, events, interruption)


def _job(spec: JobSpec, events: Events, interruption: Interruption) -> Path | None:
    output_dir = Path(spec.output_dir)
    match spec:
        case ConvertSpec():
            from .convert import convert

            return convert(spec, events)
        case SftSpec():
            if rank() > 0:
                from .sft import follow

                follow(spec, events, interruption)
                return None
            with exclusive(output_dir, events):
                from .sft import sft

                return sft(spec, events, interruption)
        case RenderSpec():
            with exclusive(output_dir, events):
                from .render import render

                return render(spec, events)
        case InterpolateSpec():
            with exclusive(output_dir, events):
                from .interpolate import interpolate

                return interpolate(spec, events, interruption)
        case WeightsSpec():
            with exclusive(output_dir, events):
                from .identify import identify

                return identify(spec, events)
        case EvaluateSpec():
            with exclusive(output_dir, events):
                from .evaluate import evaluate

                return evaluate(spec, events, interruption)
        case TasksSpec():
            with exclusive(output_dir, events):
                from .task_names import check_tasks

                return check_tasks(spec, events)
        case TrackersSpec():
            with exclusive(output_dir, events):
                from .trackers import check_trackers

                return check_trackers(spec, events)
        case DocumentsSpec():
            with exclusive(output_dir, events):
                from .documents import documents

                return documents(spec, events, interruption)
        case DatasetsSpec():
            with exclusive(output_dir, events):
                from .draw import draw

                return draw(spec, events, interruption)
        case _:
            assert_never(spec)


def _limit_threads(threads: int | None) -> None:
    # Read by OpenMP when torch is first imported, so it has to be set before that.
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)


if __name__ == "__main__":
    sys.exit(main())
