"""The protocols that are read, in the order of every report."""

from crawler.protocols import (
    ai_txt,
    robots_txt,
    tdm_policy,
    tdmrep_file,
    tdmrep_header,
    tdmrep_html,
)
from crawler.protocols._interface import Protocol

PROTOCOLS: tuple[Protocol, ...] = (
    tdmrep_file,
    tdmrep_header,
    tdmrep_html,
    ai_txt,
    robots_txt,
    tdm_policy,
)
