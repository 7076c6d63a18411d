"""tdm-audit: find out who reserves text and data mining, with the bytes that prove it."""

__version__ = "0.1.0"
