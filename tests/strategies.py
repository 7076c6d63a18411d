"""Hypothesis strategies: files that reserve for parts of an origin, and URLs that probe them."""

import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: For properties whose examples are parsed or evaluated: on a busy machine one takes long, and a
#: limit of wall time would fail a test that is right.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SEGMENTS = (*"a A news p x.jpg x.JPG b_c 50%25 %7Efoo %C3%A9 é ..".split(), "")
_PATTERN_PARTS = st.sampled_from("/ /a /a/ /news * $ .jpg ? q= %7Efoo é b_c % _ /p/ \\".split())
PATTERNS = st.builds("".join, st.lists(_PATTERN_PARTS, min_size=1, max_size=4))
AGENTS = st.sampled_from(("*", "GPTBot", "CCBot", "gptbot", "Bingbot", "Nobody", "Google-Extended"))
_LINES = st.one_of(
    st.builds("User-agent: {}".format, AGENTS),
    st.builds("Disallow: {}".format, PATTERNS),
    st.builds("Disallow: {}".format, PATTERNS),
    st.builds("Allow: {}".format, PATTERNS),
    st.builds("Content-Signal: {} ai-train=no".format, PATTERNS),
    st.builds("Content-Usage: {} train-ai=n".format, PATTERNS),
    st.builds("DisallowAITraining: {}".format, PATTERNS),
    st.sampled_from(
        ("", "# words", "Disallow:", "Allow: /", "Disallow: /", "Content-Signal: search=yes")
    ),
)
ROBOTS = st.builds(
    lambda agent, lines: "\n".join([f"User-agent: {agent}", *lines]),
    AGENTS,
    st.lists(_LINES, max_size=8),
)
AI_TXT = st.builds(
    lambda rules: "\n".join(["User-Agent: *", *rules]),
    st.lists(
        st.one_of(
            st.builds("{}: {}".format, st.sampled_from(("Disallow", "Allow")), PATTERNS),
            st.builds("Disallow: *.{}".format, st.sampled_from(("jpg", "JPG", "html", "a_b"))),
            st.sampled_from(("Disallow: /", "Allow: /")),
        ),
        max_size=5,
    ),
)
TDMREP = st.builds(
    json.dumps,
    st.lists(
        st.fixed_dictionaries(
            {"location": PATTERNS, "tdm-reservation": st.sampled_from((0, 1))},
            optional={"tdm-policy": st.sampled_from(("/policy.json", "https://p.example/x"))},
        ),
        max_size=4,
    ),
)
_CONTENT = '<content url="{}"><license><prohibits type="usage">{}</prohibits></license></content>'
RSL = st.builds(
    lambda contents: f"<rsl xmlns='https://rslstandard.org/rsl'>{''.join(contents)}</rsl>",
    st.lists(
        st.builds(
            _CONTENT.format,
            st.sampled_from(("/", "/a", "/news/*", "/p$", "*.jpg$")),
            st.sampled_from(("all", "ai-train", "search")),
        ),
        max_size=3,
    ),
)
HEADERS = st.lists(
    st.sampled_from(
        (
            ("tdm-reservation", "1"),
            ("tdm-reservation", "0"),
            ("X-Robots-Tag", "noai"),
            ("X-Robots-Tag", "noimageai"),
            ("Content-Usage", "train-ai=n"),
            ("Content-Signal", "ai-train=no"),
        )
    ),
    max_size=2,
)
_QUERIES = st.sampled_from(("", "", "?", "?q=1", "?q=/a", "?q=%2Fa", "#top", "?q#x", "?é"))
PATHS = st.builds(
    lambda segments, query: "/" + "/".join(segments) + query,
    st.lists(st.sampled_from(SEGMENTS), max_size=3),
    _QUERIES,
) | st.sampled_from(("/robots.txt", "/robots%2Etxt", "/x/../robots.txt", "", "/", "//", "/*", "/$"))
