"""Entry point of `python -m crawler`, which is the same as `tdm-audit`."""

from crawler.cli import main

main()
