"""tdm-audit: who reserved text and data mining, proven by which bytes."""

__version__ = "0.1.0"
