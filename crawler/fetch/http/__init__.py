"""HTTP: client on aiohttp, address guard, body reader, conditional requests, outcomes."""
