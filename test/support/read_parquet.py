"""Prints, as one JSON object, the rows of each Parquet file in argv as DuckDB and as `datasets` read them."""

import json
import sys
import tempfile

import datasets
import duckdb

datasets.disable_progress_bars()


def by_duckdb(path: str) -> list[dict]:
    """Return the rows as DuckDB sees them."""
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def by_datasets(path: str) -> list[dict]:
    """Return the rows as a data set of the `datasets` library."""
    with tempfile.TemporaryDirectory() as cache:
        return datasets.load_dataset("parquet", data_files=path, split="train", cache_dir=cache).to_list()


print(json.dumps({path: {"duckdb": by_duckdb(path), "datasets": by_datasets(path)} for path in sys.argv[1:]}))
