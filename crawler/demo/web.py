"""The list of all demo sites, grouped by protocol."""

from crawler.demo.site import Site
from crawler.demo.sites_ai_txt import AI_TXT_SITES
from crawler.demo.sites_claims import CLAIM_SITES
from crawler.demo.sites_names import NAMES_SITES
from crawler.demo.sites_pages import PAGE_SITES
from crawler.demo.sites_parties import PARTY_SITES
from crawler.demo.sites_prose import PROSE_SITES
from crawler.demo.sites_robots import ROBOTS_SITES
from crawler.demo.sites_signals import SIGNAL_SITES
from crawler.demo.sites_tdmrep import TDMREP_SITES
from crawler.demo.sites_unseen import UNSEEN_SITES

SITES: tuple[Site, ...] = (
    *ROBOTS_SITES,
    *TDMREP_SITES,
    *PAGE_SITES,
    *AI_TXT_SITES,
    *SIGNAL_SITES,
    *PARTY_SITES,
    *PROSE_SITES,
    *UNSEEN_SITES,
    *CLAIM_SITES,
    *NAMES_SITES,
)
