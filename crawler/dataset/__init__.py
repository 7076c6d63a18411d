"""Datasets of URLs: find their files, open them as relations, count their origins."""
