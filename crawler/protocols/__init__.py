"""The registry of protocols.

Rules for editors: the order is that of every report, and of citation among statements of equal
tier. Of several protocols that read the body of one resource, the last decides whether the
resource is present, so `robots_txt` stays behind all that read robots.txt.
"""

from crawler.protocols.aipref import aipref_header, aipref_robots
from crawler.protocols.content_signals import content_signal_header, content_signal_robots
from crawler.protocols.context import (
    ads_txt,
    ai_txt_well_known,
    certificate,
    copyright_notice,
    imprint,
    llms_txt,
    rights_metadata,
    security_txt,
)
from crawler.protocols.files import ai_txt, trust_txt
from crawler.protocols.interface import Protocol
from crawler.protocols.media import cawg, media_parties, plus_xmp
from crawler.protocols.prose import page_text, robots_comments
from crawler.protocols.robots import ai_control, robots_txt
from crawler.protocols.robots_directives import meta_robots, x_robots_tag
from crawler.protocols.rsl import rsl, rsl_html, rsl_link, rsl_robots
from crawler.protocols.tdmrep import (
    tdm_policy,
    tdmrep_epub,
    tdmrep_file,
    tdmrep_header,
    tdmrep_html,
    tdmrep_pdf,
)

PROTOCOLS: tuple[Protocol, ...] = (
    tdmrep_file,
    tdmrep_header,
    tdmrep_html,
    tdmrep_pdf,
    tdmrep_epub,
    plus_xmp,
    cawg,
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
    robots_comments,
    page_text,
    robots_txt,
    tdm_policy,
    rights_metadata,
    copyright_notice,
    imprint,
    media_parties,
    certificate,
    security_txt,
    ads_txt,
    llms_txt,
    ai_txt_well_known,
)

#: The lower-case names of all header fields that a protocol reads.
FIELD_NAMES = frozenset(name for protocol in PROTOCOLS for name in protocol.HEADERS)
