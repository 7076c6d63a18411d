"""`python -m crawler` is `tdm-audit`."""

from crawler.cli import main

main()
