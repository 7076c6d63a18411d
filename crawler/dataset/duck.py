"""A database in memory that spills to disk, and never asks the network for anything."""

from pathlib import Path

import duckdb

from crawler.dataset.files import DatasetError


def connect(scratch: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """DuckDB within a memory limit (`1GB`); `scratch` is an existing directory to spill to.

    Raises `DatasetError` if the limit is none.
    """
    connection = duckdb.connect(
        config={
            "temp_directory": str(scratch / "spilled"),
            # Nothing but the files named is read, and nothing is ever downloaded.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    # Commands have a bar of their own.
    connection.execute("SET enable_progress_bar = false")
    try:
        connection.execute("SET memory_limit = $limit", {"limit": memory_limit})
    except duckdb.Error as error:
        connection.close()
        raise DatasetError(f"{memory_limit!r} is no size of memory; write 512MB or 4GB.") from error
    return connection
