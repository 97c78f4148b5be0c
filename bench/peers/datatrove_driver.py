"""datatrove: one request a prompt through its inference runner. With --checkpoint a second start goes on from the first."""

from job import Job, run

from datatrove.data import Document
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.writers import JsonlWriter


async def rollout(document, generate):
    return await generate({"messages": [{"role": "user", "content": document.text}]})


def main(job: Job) -> None:
    documents = [Document(text=prompt, id=str(index)) for index, prompt in enumerate(job.prompts)]
    runner = InferenceRunner(
        rollout_fn=rollout,
        config=InferenceConfig(
            server_type="endpoint",
            endpoint_url=job.url.removesuffix("/v1"),
            model_name_or_path=job.model,
            max_concurrent_generations=job.in_flight,
            default_generation_params=job.sampling,
        ),
        output_writer=JsonlWriter(str(job.out / "rows"), output_filename="${rank}_chunk_${chunk_index}.jsonl", compression=None),
        checkpoints_local_dir=str(job.out / "checkpoints") if job.checkpoint else None,
        records_per_chunk=500,
    )
    runner.run(documents)


if __name__ == "__main__":
    run(main)
