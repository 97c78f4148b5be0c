"""Command line: `python -m rehearse_ml COMMAND --spec FILE`. See python/README.md."""

import argparse
import os
import sys
import traceback
from pathlib import Path

from .errors import classify
from .job import Interruption, exclusive
from .launch import launch, needs_launch, rank
from .protocol import Events, claim_stdout
from .spec import ConvertSpec, DatasetsSpec, DocumentsSpec, EvaluateSpec, SftSpec, TasksSpec, WeightsSpec, load_spec


def main() -> int:
    """Run one job and return its exit status: 0 only with a result."""
    parser = argparse.ArgumentParser(prog="python -m rehearse_ml", description=__doc__)
    parser.add_argument("command", choices=["convert", "sft", "weights", "evaluate", "tasks", "documents", "datasets"])
    parser.add_argument("--spec", required=True, type=Path, help="JSON file, protocol 1")
    arguments = parser.parse_args()

    interruption = Interruption()
    stdout = claim_stdout()
    events = Events(stdout, on_reader_gone=interruption.request, errors_only=rank() > 0)
    output_dir: Path | None = None
    try:
        interruption.install()
        match arguments.command:
            case "convert":
                convert_spec = load_spec(ConvertSpec, arguments.spec)
                output_dir = Path(convert_spec.output_dir)
                from .convert import convert

                events.result(convert(convert_spec, events))
            case "sft":
                sft_spec = load_spec(SftSpec, arguments.spec)
                output_dir = Path(sft_spec.output_dir)
                _limit_threads(sft_spec.threads)
                if needs_launch(sft_spec):
                    launch(sft_spec, arguments.spec, stdout)
                if rank() > 0:
                    from .sft import follow

                    follow(sft_spec, events, interruption)
                    return 0
                with exclusive(output_dir, events):
                    from .sft import sft

                    events.result(sft(sft_spec, events, interruption))
            case "weights":
                weights_spec = load_spec(WeightsSpec, arguments.spec)
                output_dir = Path(weights_spec.output_dir)
                with exclusive(output_dir, events):
                    from .identify import identify

                    events.result(identify(weights_spec, events))
            case "evaluate":
                evaluate_spec = load_spec(EvaluateSpec, arguments.spec)
                output_dir = Path(evaluate_spec.output_dir)
                _limit_threads(evaluate_spec.threads)
                with exclusive(output_dir, events):
                    from .evaluate import evaluate

                    events.result(evaluate(evaluate_spec, events, interruption))
            case "tasks":
                tasks_spec = load_spec(TasksSpec, arguments.spec)
                output_dir = Path(tasks_spec.output_dir)
                with exclusive(output_dir, events):
                    from .task_names import check_tasks

                    events.result(check_tasks(tasks_spec, events))
            case "documents":
                documents_spec = load_spec(DocumentsSpec, arguments.spec)
                output_dir = Path(documents_spec.output_dir)
                with exclusive(output_dir, events):
                    from .documents import documents

                    events.result(documents(documents_spec, events, interruption))
            case "datasets":
                datasets_spec = load_spec(DatasetsSpec, arguments.spec)
                output_dir = Path(datasets_spec.output_dir)
                with exclusive(output_dir, events):
                    from .draw import draw

                    events.result(draw(datasets_spec, events, interruption))
    except BaseException as error:  # every way out of a job is an `error` event
        if isinstance(error, SystemExit):
            raise
        job_error = classify(error, output_dir)
        if job_error.kind == "internal":
            traceback.print_exc(file=sys.stderr)
        with interruption.deferred():
            events.error(job_error)
        return 1
    return 0


def _limit_threads(threads: int | None) -> None:
    # Read by OpenMP when torch is first imported, so it has to be set before that.
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)


if __name__ == "__main__":
    sys.exit(main())
