"""Content Signals Policy of Cloudflare (24 September 2025, no version number)."""
