"""DataDesigner: a seed column and one text column. It keeps finished row groups; a second start goes on from them."""

import os

from job import Job, run

os.environ.setdefault("NEMO_TELEMETRY_ENABLED", "false")

import data_designer.config as dd  # noqa: E402
from data_designer.interface import DataDesigner  # noqa: E402
import pandas as pd  # noqa: E402

PROVIDER = "bench"


def main(job: Job) -> None:
    designer = DataDesigner(
        artifact_path=job.out / "artifacts",
        model_providers=[dd.ModelProvider(name=PROVIDER, endpoint=job.url, provider_type="openai", api_key="none")],
    )
    model = dd.ModelConfig(
        alias="model",
        model=job.model,
        provider=PROVIDER,
        skip_health_check=True,
        inference_parameters=dd.ChatCompletionInferenceParams(
            max_parallel_requests=job.in_flight, max_tokens=int(job.sampling["max_tokens"]), temperature=job.sampling["temperature"]
        ),
    )
    config = dd.DataDesignerConfigBuilder(model_configs=[model])
    seed = job.out / "seed.parquet"
    pd.DataFrame({"prompt_text": job.prompts}).to_parquet(seed)
    config.with_seed_dataset(dd.LocalFileSeedSource(path=str(seed)))
    config.add_column(dd.LLMTextColumnConfig(name="reply", prompt="{{ prompt_text }}", model_alias="model"))
    result = designer.create(config, num_records=len(job.prompts), dataset_name="bench", resume=dd.ResumeMode.IF_POSSIBLE)
    rows = len(result.load_dataset())
    if rows != len(job.prompts):
        raise SystemExit(f"{rows} of {len(job.prompts)} rows came back")


if __name__ == "__main__":
    run(main)
