"""DuckDB connections: in memory, with a limit, spilling to disk, without network access."""

from pathlib import Path

import duckdb

from crawler.dataset.files import DatasetError


def connect(scratch: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Return a connection with a memory limit (`1GB`) that spills to the existing `scratch`.

    Raise `DatasetError` if the limit is not a size.
    """
    try:
        connection = duckdb.connect(
            config={
                "temp_directory": str(scratch / "spilled"),
                # DuckDB would download an extension that a query seems to need.
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
    except duckdb.OutOfMemoryException as error:
        raise MemoryError(str(error)) from error
    # Commands show their own progress.
    connection.execute("SET enable_progress_bar = false")
    try:
        connection.execute("SET memory_limit = $limit", {"limit": memory_limit})
    except duckdb.Error as error:
        connection.close()
        raise DatasetError(f"{memory_limit!r} is no size of memory; write 512MB or 4GB.") from error
    return connection
