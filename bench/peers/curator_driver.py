"""Curator: one LLM block. Its cache is always on; a second start goes on from it."""

import os

from job import Job, run

os.environ.setdefault("OPENAI_API_KEY", "none")
os.environ["TELEMETRY_ENABLED"] = "false"

import litellm  # noqa: E402

# The tokenizer's vocabulary that litellm brings along; tiktoken would download it.
os.environ["TIKTOKEN_CACHE_DIR"] = f"{next(iter(litellm.__path__))}/litellm_core_utils/tokenizers"

from bespokelabs import curator  # noqa: E402

#: Rates per minute that never hold anything back.
HUGE = 10**9


def main(job: Job) -> None:
    llm = curator.LLM(
        model_name=job.model,
        backend="openai",
        generation_params=job.sampling,
        backend_params={
            "base_url": job.url,
            "max_concurrent_requests": job.in_flight,
            "max_requests_per_minute": HUGE,
            "max_tokens_per_minute": HUGE,
        },
    )
    rows = len(llm(job.prompts, working_dir=str(job.out / "cache")).dataset)
    if rows != len(job.prompts):
        raise SystemExit(f"{rows} of {len(job.prompts)} rows came back")


if __name__ == "__main__":
    run(main)
