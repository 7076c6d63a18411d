"""The protocols that are read, in the order of every report."""

from crawler.protocols import (
    ai_control,
    ai_txt,
    aipref_header,
    aipref_robots,
    content_signal_header,
    content_signal_robots,
    meta_robots,
    robots_txt,
    rsl,
    rsl_html,
    rsl_link,
    rsl_robots,
    tdm_policy,
    tdmrep_file,
    tdmrep_header,
    tdmrep_html,
    trust_txt,
    x_robots_tag,
)
from crawler.protocols._interface import Protocol

PROTOCOLS: tuple[Protocol, ...] = (
    tdmrep_file,
    tdmrep_header,
    tdmrep_html,
    content_signal_robots,
    content_signal_header,
    aipref_robots,
    aipref_header,
    ai_txt,
    trust_txt,
    rsl,
    rsl_robots,
    rsl_link,
    rsl_html,
    x_robots_tag,
    meta_robots,
    ai_control,
    robots_txt,
    tdm_policy,
)
