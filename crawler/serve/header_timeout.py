"""HTTP over one connection, closed when no whole request has come in time."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds in which the lines of a request have to come.
SECONDS = 10


class HeaderTimeout(H11Protocol):
    """The protocol of uvicorn, which itself waits without end for the rest of a request.

    Connections without a request count among those that may be open at once.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        self._cancel()
        self._timer = self.loop.call_later(SECONDS, self._close)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _close(self) -> None:
        # A request that came in time is answered, however long that takes; then this begins anew.
        cycle: Any = self.cycle
        if (cycle is None or cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()
