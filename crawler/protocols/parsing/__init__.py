"""Parsers that protocols share: JSON (RFC 8259), XML 1.0, header lines, path patterns, parties."""
