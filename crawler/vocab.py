"""The closed vocabulary: every word a table, a view or an export may use.

The enums fill the vocabulary tables of the database (`store`), so a value that is not
listed here cannot be stored. Order matters where a docstring says so.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """What came of one attempt to fetch. A status code is data beside `responded`."""

    RESPONDED = "responded"
    NOT_FOUND_HOST = "not_found_host"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    TLS_FAILED = "tls_failed"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    WITHHELD = "withheld"
    BLOCKED_ADDRESS = "blocked_address"
    REDIRECT_LIMIT = "redirect_limit"


class Presence(StrEnum):
    """Whether a protocol is there. `unseen` means the evidence itself is missing."""

    PRESENT = "present"
    ABSENT = "absent"
    MALFORMED = "malformed"
    UNSEEN = "unseen"


class Purpose(StrEnum):
    """What somebody might use the content for."""

    TDM = "tdm"
    AI_TRAIN = "ai_train"
    GENAI_TRAIN = "genai_train"
    AI_INPUT = "ai_input"
    SEARCH = "search"


class Stance(StrEnum):
    """What a statement says. `refused` speaks of access by all robots, not of mining."""

    RESERVED = "reserved"
    CONDITIONAL = "conditional"
    REFUSED = "refused"
    PERMITTED = "permitted"


class State(StrEnum):
    """What a finding says, in descending strength."""

    RESERVED = "reserved"
    CONDITIONAL = "conditional"
    PARTIAL = "partial"
    REFUSED = "refused"
    PERMITTED = "permitted"
    SILENT = "silent"
    UNKNOWN = "unknown"


class Reads(StrEnum):
    """Which reading of the bytes yields a statement."""

    BOTH = "both"
    STRICT = "strict"
    LENIENT = "lenient"


class DeclaredBy(StrEnum):
    """Where a statement was made; never who holds the rights."""

    ORIGIN_FILE = "origin_file"
    HEADER = "header"
    PAGE = "page"
    CDN_MANAGED = "cdn_managed"
    MEDIA_FILE = "media_file"
    REGISTRY = "registry"


class AgentClass(StrEnum):
    """What an automated agent is for, as its operator says."""

    TRAIN = "train"
    CONTROL = "control"
    DATASET = "dataset"
    SEARCH = "search"
    USER = "user"
    AGENT = "agent"
    LEGACY = "legacy"
    UNDOCUMENTED = "undocumented"


class Resource(StrEnum):
    """What is asked of an origin; `other_robots_txt` is the gate of a host it points to.

    `terms` are pages of terms that it links to, `media` files of the dataset that may carry
    their own metadata. From `ads_txt` on, files that reserve nothing: they tell who is behind
    an origin, or that another format is in use there.
    """

    ROBOTS_TXT = "robots_txt"
    AI_TXT = "ai_txt"
    TDMREP_JSON = "tdmrep_json"
    HOME = "home"
    PAGE = "page"
    TRUST_TXT = "trust_txt"
    TDM_POLICY = "tdm_policy"
    RSL_LICENSE = "rsl_license"
    OTHER_ROBOTS_TXT = "other_robots_txt"
    MEDIA = "media"
    TERMS = "terms"
    ADS_TXT = "ads_txt"
    SECURITY_TXT = "security_txt"
    LLMS_TXT = "llms_txt"
    AI_TXT_WELL_KNOWN = "ai_txt_well_known"


class Reject(StrEnum):
    """Why a dataset row names no origin that could be asked."""

    EMPTY = "empty"
    NOT_HTTP = "not_http"
    NO_HOST = "no_host"
    BAD_HOST = "bad_host"
    BAD_PORT = "bad_port"
    TOO_LONG = "too_long"


PAGES = frozenset({Resource.HOME, Resource.PAGE})
#: Responses that speak for the one URL they answered.
CONTENT = PAGES | {Resource.MEDIA}
#: Responses of which an extract is kept, not the body.
EXTRACTED = CONTENT | {Resource.TERMS}
#: What says nothing about mining, so that not seeing it leaves nothing open.
CONTEXT = frozenset(
    {
        Resource.TERMS,
        Resource.ADS_TXT,
        Resource.SECURITY_TXT,
        Resource.LLMS_TXT,
        Resource.AI_TXT_WELL_KNOWN,
    }
)

#: Reserving a purpose reserves those it contains, downward only (a directed acyclic chain).
ANCESTORS: dict[Purpose, tuple[Purpose, ...]] = {
    Purpose.TDM: (Purpose.TDM,),
    Purpose.AI_TRAIN: (Purpose.AI_TRAIN, Purpose.TDM),
    Purpose.GENAI_TRAIN: (Purpose.GENAI_TRAIN, Purpose.AI_TRAIN, Purpose.TDM),
    Purpose.AI_INPUT: (Purpose.AI_INPUT,),
    Purpose.SEARCH: (Purpose.SEARCH,),
}
