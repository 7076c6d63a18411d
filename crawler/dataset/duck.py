"""A database in memory that spills to disk, and never asks the network for anything."""

from pathlib import Path

import duckdb


def connect(scratch: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """DuckDB within a memory limit (`1GB`); `scratch` is an existing directory to spill to."""
    return duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(scratch / "spilled"),
            # Nothing but the files named is read, and nothing is ever downloaded.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
