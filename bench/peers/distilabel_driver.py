"""distilabel: one TextGeneration step. Its cache is always on; a second start goes on from it."""

from job import Job, run

from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration


def main(job: Job) -> None:
    with Pipeline(name="bench", cache_dir=str(job.out / "cache")) as pipeline:
        load = LoadDataFromDicts(data=[{"instruction": prompt} for prompt in job.prompts], batch_size=job.in_flight)
        generate = TextGeneration(
            llm=OpenAILLM(
                base_url=job.url,
                api_key="none",
                model=job.model,
                generation_kwargs={"max_new_tokens": job.sampling["max_tokens"], "temperature": job.sampling["temperature"]},
            ),
            input_batch_size=job.in_flight,
        )
        load >> generate
    dataset = pipeline.run(use_cache=True)
    rows = dataset["default"]["train"].num_rows
    if rows != len(job.prompts):
        raise SystemExit(f"{rows} of {len(job.prompts)} rows came back")


if __name__ == "__main__":
    run(main)
