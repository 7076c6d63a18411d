"""Processes of a crawl: coordinator, workers, and the sandbox for media files."""
