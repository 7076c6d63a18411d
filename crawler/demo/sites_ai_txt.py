"""Demo sites with /ai.txt, and sites whose protocols contradict each other."""

from crawler.demo.answers import html, text
from crawler.demo.site import SILENT, States, lines, only, site, training
from crawler.demo.sites_robots import GPTBOT_REFUSED
from crawler.demo.sites_tdmrep import COLLECTIVE_POLICY, CONDITIONAL, PERMITTED, ZERO, rules
from crawler.vocab import Purpose, State

_EVERYTHING = lines("# Spawning AI", "User-Agent: *", "Disallow: /", "Disallow: *")
_ALLOWED = lines("# Spawning AI", "User-Agent: *", "Allow: /", "Allow: *")
_NO_IMAGES = lines("User-Agent: *", "Disallow: *.jpg", "Disallow: *.png", "Allow: /")

RESERVED = training(State.RESERVED)
PERMITTED_TRAINING = only(Purpose.AI_TRAIN, State.PERMITTED)


def _with(states: States, **changes: State) -> States:
    """Return states with those of some purposes, given by name, replaced."""
    return {**states, **{Purpose(name): state for name, state in changes.items()}}


_FILES = (
    site(
        "ai-txt.demo.test",
        "Everything is closed to training (A07).",
        RESERVED,
        ai_txt=_EVERYTHING,
        urls={"/articles/1.html": RESERVED},
    ),
    site(
        "ai-txt-images.demo.test",
        "Images are closed to training, the rest is open (A01 to A04).",
        training(State.PARTIAL),
        ai_txt=_NO_IMAGES,
        urls={
            "/images/1.jpg": RESERVED,
            "/images/1.jpg?w=200": RESERVED,
            "/images/Large-1.JPG": RESERVED,
            "/articles/1.html": PERMITTED_TRAINING,
        },
    ),
    site(
        "ai-txt-open.demo.test",
        "Everything is open to training.",
        PERMITTED_TRAINING,
        ai_txt=_ALLOWED,
        urls={"/articles/1.html": PERMITTED_TRAINING},
    ),
    site(
        "ai-txt-artefact.demo.test",
        "The file as a plugin once wrote it: `*/` where `*` was meant, which is shown (A08).",
        SILENT,
        ai_txt=lines("# Spawning AI/", "User-agent: */", "Disallow: /"),
        malformed=frozenset({Purpose.AI_TRAIN, Purpose.GENAI_TRAIN}),
    ),
    site(
        "ai-txt-html.demo.test",
        "A page where ai.txt is due (A10).",
        SILENT,
        ai_txt=html(in_body="<p>Nothing here.</p>\n"),
    ),
    site(
        "ai-txt-markdown.demo.test",
        "Another format of the same name (A11).",
        SILENT,
        ai_txt=text("# AI usage\n\nWe use **AI** for spelling.\n\n- No training *here*.\n"),
    ),
)

_TOGETHER = (
    site(
        "contradiction-agents.demo.test",
        "Mining is permitted, and a training agent is refused.",
        _with(PERMITTED, genai_train=State.PARTIAL),
        robots=GPTBOT_REFUSED,
        tdmrep=ZERO,
        conflict=frozenset({Purpose.GENAI_TRAIN}),
    ),
    site(
        "contradiction-ai-txt.demo.test",
        "Mining is reserved on terms, and ai.txt allows training.",
        CONDITIONAL,
        tdmrep=rules(("/", 1, COLLECTIVE_POLICY)),
        ai_txt=_ALLOWED,
        conflict=frozenset({Purpose.AI_TRAIN, Purpose.GENAI_TRAIN}),
    ),
    site(
        "contradiction-zero.demo.test",
        "Mining is permitted, and ai.txt closes everything to training.",
        _with(PERMITTED, ai_train=State.RESERVED, genai_train=State.RESERVED),
        tdmrep=ZERO,
        ai_txt=_EVERYTHING,
        conflict=frozenset({Purpose.AI_TRAIN, Purpose.GENAI_TRAIN}),
    ),
    site(
        "unanimous.demo.test",
        "Three protocols reserve: the strongest statement about each purpose decides.",
        _with(CONDITIONAL, ai_train=State.RESERVED, genai_train=State.RESERVED),
        robots=GPTBOT_REFUSED,
        tdmrep=rules(("/", 1, COLLECTIVE_POLICY)),
        ai_txt=_EVERYTHING,
    ),
)

AI_TXT_SITES = (*_FILES, *_TOGETHER)
