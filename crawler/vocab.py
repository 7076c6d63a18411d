"""The closed vocabulary: every word that a table, a view or an export may use.

The enums fill the vocabulary tables of the database (`store`), so a value that is not listed
here cannot be stored.

Rules for editors: the values are public, so never rename one. The order of members matters in
`State` (its `rank`) and in `Purpose` (the order of findings).
"""

from enum import StrEnum
from typing import Self


class Outcome(StrEnum):
    """The result of one attempt to fetch. With `responded` there is a status code as well.

    After `local_failure`, a fault or shortage of this machine, the origin stays due.
    """

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
    LOCAL_FAILURE = "local_failure"


class Presence(StrEnum):
    """The presence of a resource or protocol. `unseen`: the evidence itself is missing."""

    PRESENT = "present"
    ABSENT = "absent"
    MALFORMED = "malformed"
    UNSEEN = "unseen"


class Purpose(StrEnum):
    """The use of content that a statement is about."""

    TDM = "tdm"
    AI_TRAIN = "ai_train"
    GENAI_TRAIN = "genai_train"
    AI_INPUT = "ai_input"
    SEARCH = "search"


class Stance(StrEnum):
    """The content of one statement. `refused` is about access by all robots, not about mining."""

    RESERVED = "reserved"
    CONDITIONAL = "conditional"
    REFUSED = "refused"
    PERMITTED = "permitted"


class State(StrEnum):
    """The state of a finding, in descending strength."""

    #: The position in descending strength, 0 for `reserved`.
    rank: int

    def __new__(cls, value: str) -> Self:
        """Number the states in the order of their definition."""
        # An attribute, since a property that looks the state up would slow every finding down.
        state = str.__new__(cls, value)
        state._value_ = value
        state.rank = len(cls.__members__)
        return state

    RESERVED = "reserved"
    CONDITIONAL = "conditional"
    PARTIAL = "partial"
    REFUSED = "refused"
    PERMITTED = "permitted"
    SILENT = "silent"
    UNKNOWN = "unknown"


def row_rank(state: State) -> tuple[bool, int]:
    """Return the sort key of a state where one row answers for several purposes; least first.

    Unknown is stricter than `permitted` and `silent` here: what was not seen may be anything
    from `reserved` to `refused`. In `State.rank`, which ranks what statements say about one
    purpose, `unknown` comes last.
    """
    return state in (State.PERMITTED, State.SILENT), state.rank


class AsOfBasis(StrEnum):
    """The looks that an answer for a time in the past rests on."""

    #: The looks before and after it showed the same.
    SEEN = "seen"
    #: Only looks before it showed anything.
    BEFORE_ONLY = "before_only"
    #: The looks before and after it showed different things.
    CHANGED_BETWEEN = "changed_between"
    #: No look before it shows anything that may be relied on.
    UNKNOWN_AT_COLLECTION = "unknown_at_collection"
    #: Nothing was ever requested.
    NEVER_ASKED = "never_asked"
    #: There is no time that could be asked about.
    NO_DATE = "no_date"


class Reads(StrEnum):
    """The reading of the bytes that yields a statement: to the letter, as tolerant readers do."""

    BOTH = "both"
    STRICT = "strict"
    LENIENT = "lenient"


class DeclaredBy(StrEnum):
    """The place where a statement was made. It does not say who holds the rights."""

    ORIGIN_FILE = "origin_file"
    HEADER = "header"
    PAGE = "page"
    CDN_MANAGED = "cdn_managed"
    MEDIA_FILE = "media_file"
    REGISTRY = "registry"


class PartyRole(StrEnum):
    """The role in which a document names a party.

    `operator` runs the server, `parent` owns another party, `source` is whom a creator works for.
    `owner`, `licensor` and `signer` are those of one file, such as a picture. `candidate` is only a
    text that may be a name.
    """

    HOLDER = "holder"
    PUBLISHER = "publisher"
    OFFERS_LICENCE = "offers_licence"
    CONTROLLER = "controller"
    CONTROLLED = "controlled"
    OWNER_DOMAIN = "owner_domain"
    CONTACT = "contact"
    OPERATOR = "operator"
    PARENT = "parent"
    SOURCE = "source"
    OWNER = "owner"
    LICENSOR = "licensor"
    SIGNER = "signer"
    CANDIDATE = "candidate"


class Offer(StrEnum):
    """A term under which a use is offered: what the user has to give or to do."""

    PAYMENT = "payment"
    ATTRIBUTION = "attribution"
    CONTRIBUTION = "contribution"
    CONSENT = "consent"
    FREE = "free"


class Access(StrEnum):
    """The access that robots.txt leaves to one agent; `partly` is refused on some paths."""

    REFUSED = "refused"
    PARTLY = "partly"
    ADMITTED = "admitted"
    UNKNOWN = "unknown"


class AgentClass(StrEnum):
    """The purpose of an automated agent, as its operator documents it."""

    TRAIN = "train"
    CONTROL = "control"
    DATASET = "dataset"
    SEARCH = "search"
    USER = "user"
    AGENT = "agent"
    LEGACY = "legacy"
    UNDOCUMENTED = "undocumented"


class Resource(StrEnum):
    """A kind of resource that the crawl requests for an origin.

    `other_robots_txt` is the robots.txt of another host that the origin links to. `terms` are
    pages of terms, `media` are files of the dataset that may carry metadata. `ads_txt`,
    `security_txt` and `llms_txt` reserve nothing: they name who is behind an origin, or another
    format in use.
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
    """The reason why a dataset row has no origin that can be crawled."""

    EMPTY = "empty"
    NOT_HTTP = "not_http"
    NO_HOST = "no_host"
    BAD_HOST = "bad_host"
    BAD_PORT = "bad_port"
    TOO_LONG = "too_long"
    #: Rows that a damaged file lost; their number is not known.
    CUT_OFF = "cut_off"


PAGES = frozenset({Resource.HOME, Resource.PAGE})
#: Resources whose statements are about the one URL that was requested.
CONTENT = PAGES | {Resource.MEDIA}
#: Resources that a crawl draws from the URLs of the dataset.
SAMPLED = frozenset({Resource.PAGE, Resource.MEDIA})
#: Resources of which an extract is stored instead of the body.
EXTRACTED = CONTENT | {Resource.TERMS}
#: Resources that may be on another host. They are known by their URL; those of the origin itself
#: by their path, whatever the scheme.
EXTERNAL = frozenset(
    {
        Resource.TDM_POLICY,
        Resource.RSL_LICENSE,
        Resource.OTHER_ROBOTS_TXT,
        Resource.TERMS,
    }
)
#: Resources that say nothing about mining: an origin is complete without them.
CONTEXT = frozenset(
    {
        Resource.TERMS,
        Resource.ADS_TXT,
        Resource.SECURITY_TXT,
        Resource.LLMS_TXT,
    }
)

#: A statement about a purpose holds for the purposes that it contains, never for wider ones.
#: For each purpose: itself and the purposes that contain it.
ANCESTORS: dict[Purpose, tuple[Purpose, ...]] = {
    Purpose.TDM: (Purpose.TDM,),
    Purpose.AI_TRAIN: (Purpose.AI_TRAIN, Purpose.TDM),
    Purpose.GENAI_TRAIN: (Purpose.GENAI_TRAIN, Purpose.AI_TRAIN, Purpose.TDM),
    Purpose.AI_INPUT: (Purpose.AI_INPUT,),
    Purpose.SEARCH: (Purpose.SEARCH,),
}
