"""From the elements of an RSL document to terms: what each `content` says, purpose by purpose."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import Issue
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.protocols.parsing.xml_document import Node
from crawler.vocab import Purpose, Stance

FAMILY = "rsl"
NAMESPACE = "https://rslstandard.org/rsl"

#: What a usage word of the vocabulary is a statement about; `ai-index` has no purpose of ours.
USAGES: dict[str, tuple[Purpose, ...]] = {
    "all": (Purpose.AI_TRAIN, Purpose.AI_INPUT, Purpose.SEARCH),
    "ai-all": (Purpose.AI_TRAIN, Purpose.AI_INPUT),
    "ai-train": (Purpose.AI_TRAIN,),
    "ai-input": (Purpose.AI_INPUT,),
    "ai-index": (),
    "search": (Purpose.SEARCH,),
}
#: A list of permissions is closed; that search is missing from it says nothing about mining.
_CLOSED = (Purpose.AI_TRAIN, Purpose.AI_INPUT)
_TYPES = ("usage", "user", "geo")
_ELEMENTS = frozenset(
    (
        "rsl content license permits prohibits payment standard custom amount accepts legal "
        "reporting alternate schema copyright terms"
    ).split()
)
_URL = re.compile(r"https?://([^\s/?#\\]+)([^\s#]*)(#\S*)?", re.IGNORECASE)


class Term(NamedTuple):
    """What a content says about one purpose."""

    rule: str
    stance: Stance
    purpose: Purpose
    tier: int
    line: int
    raw: str
    clause: str
    policy: str | None = None


class Content(NamedTuple):
    """The terms of one `content`: `path` is None for all that the document is attached to."""

    path: str | None
    strict: bool
    terms: tuple[Term, ...]


class _Words(NamedTuple):
    """The usage words of a licence by kind, each with the element it stands in.

    `limit` is an element about users or countries, `silent` says that none is about usage.
    """

    usage: dict[str, dict[str, Node]]
    limit: Node | None
    silent: bool
    comma: bool


class _Licence(NamedTuple):
    """A licence: its words, its payment if it costs anything, and where its terms are."""

    node: Node
    words: _Words
    payment: Node | None
    policy: str | None


def http_url(text: str) -> bool:
    """Whether a text is an absolute http(s) URL."""
    return _URL.fullmatch(text) is not None


def contents_of(root: Node, issues: list[Issue]) -> list[Content]:
    """Every content of a document; one that departs from the specification is not strict."""
    conforms = _conforms(root, issues)
    nodes = root.each("content")
    if not nodes:
        issues.append(_issue("no_content", root))
    several = len({host for node in nodes if (host := _host(node))}) > 1
    return [_content(node, conforms, several, issues) for node in nodes]


def _conforms(root: Node, issues: list[Issue]) -> bool:
    """Namespace and elements: an unknown one in the namespace ends conformance."""
    if root.space != NAMESPACE:
        issues.append(_issue("namespace", root, root.space))
    unknown: dict[str, Node] = {}
    pending = [root]
    while pending:
        node = pending.pop()
        pending += [child for child in node.children if child.space == root.space]
        if node.name not in _ELEMENTS:
            unknown.setdefault(node.name, node)
    issues += [_issue("unknown_element", node, node.name) for node in unknown.values()]
    return root.space == NAMESPACE and not unknown


def _host(node: Node) -> str:
    match = _URL.fullmatch(node.attributes.get("url", "").strip())
    return match[1].lower().removeprefix("www.") if match else ""


def _content(node: Node, conforms: bool, several: bool, issues: list[Issue]) -> Content:
    path, placed = _path(node, several, issues)
    licences = [_licence(child, node, issues) for child in node.each("license")]
    if not licences:
        issues.append(_issue("no_license", node))
    strict = conforms and placed and not any(licence.words.comma for licence in licences)
    return Content(path, strict, tuple(_terms(licences)))


def _path(node: Node, several: bool, issues: list[Issue]) -> tuple[str | None, bool]:
    """The path pattern of a content, and whether it is known to be about the asking origin.

    A document does not know who points to it: of a full URL the path is taken, unless the
    document speaks of several hosts, of which at most one is meant.
    """
    written = node.attributes.get("url")
    url = (written or "").strip()
    match = _URL.fullmatch(url)
    if match:
        issues.append(_issue("content.several_hosts" if several else "content.host", node, url))
        path = match[2] if match[2].startswith("/") else "/" + match[2]
        return path, not several
    if not url:
        if written is None:
            issues.append(_issue("content.no_url", node))
        return None, written is not None
    if url[0] in "/*":
        return url, True
    issues.append(_issue("content.url", node, url))
    return "/" + url, False


def _licence(node: Node, content: Node, issues: list[Issue]) -> _Licence:
    payments = node.each("payment")
    kinds = [payment.attributes.get("type", "").strip().lower() for payment in payments]
    issues += [
        _issue("payment.no_type", payment)
        for payment, kind in zip(payments, kinds, strict=True)
        if not kind
    ]
    costs = [p for p, kind in zip(payments, kinds, strict=True) if kind != "free"]
    server = content.attributes.get("server", "").strip()
    places = [
        child.text for p in costs for name in ("standard", "custom") for child in p.each(name)
    ]
    places += [child.text for child in content.each("terms")]
    policy = next((text for text in [*places, server] if http_url(text)), None)
    # RSL 1.0, content@server: a licence must be obtained there, even a free one.
    payment = costs[0] if costs else content if server else None
    return _Licence(node, _words(node, issues), payment, policy)


def _words(licence: Node, issues: list[Issue]) -> _Words:
    """What is permitted and prohibited; words that are not in the vocabulary are noted."""
    usage: dict[str, dict[str, Node]] = {"permits": {}, "prohibits": {}}
    limit, comma = None, False
    seen: set[tuple[str, str]] = set()
    for node in licence.children:
        kind = node.attributes.get("type", "").strip().lower()
        if node.space != licence.space or node.name not in usage:
            continue
        if kind not in _TYPES:
            issues.append(_issue("type", node, _raw(node)))
            continue
        if (node.name, kind) in seen:
            issues.append(_issue("repeated", node, _raw(node)))
        seen.add((node.name, kind))
        if "," in node.text:
            comma = True
            issues.append(_issue("comma_list", node, _raw(node)))
        if kind == "usage":
            _usage(node, usage[node.name], issues)
        else:
            limit = limit or node
    silent = all(kind != "usage" for _, kind in seen)
    return _Words(usage, limit, silent, comma)


def _usage(node: Node, found: dict[str, Node], issues: list[Issue]) -> None:
    for word in dict.fromkeys(node.text.lower().replace(",", " ").split()):
        if word not in USAGES:
            issues.append(_issue("usage_unknown", node, word))
            continue
        if not USAGES[word]:
            issues.append(_issue("usage_not_judged", node, word))
        found.setdefault(word, node)


def _terms(licences: list[_Licence]) -> Iterator[Term]:
    """Each licence's terms, and what no licence of a closed list names (RSL 1.0, permits)."""
    named: set[Purpose] = set()
    for licence in licences:
        for term in _of_licence(licence):
            named.add(term.purpose)
            yield term
    listed = [licence for licence in licences if licence.words.usage["permits"]]
    for licence in listed[:1]:
        node = next(iter(licence.words.usage["permits"].values()))
        for purpose in _CLOSED:
            if purpose not in named:
                yield _conditional("not_licensed", node, purpose, licence.policy, "permits")


def _of_licence(licence: _Licence) -> Iterator[Term]:
    for word, node in licence.words.usage["prohibits"].items():
        for purpose in USAGES[word]:
            yield _term(f"prohibits.{word}", Stance.RESERVED, purpose, 2, node, None, "prohibits")
    for word, node in licence.words.usage["permits"].items():
        for purpose in USAGES[word]:
            yield _permitted(licence, word, node, purpose)
    if licence.words.silent:
        # No use is named at all: then the payment or the limit is about all.
        for node in filter(None, (licence.payment or licence.words.limit,)):
            yield _conditional(
                _why(licence), node, Purpose.AI_TRAIN, licence.policy, licence.node.name
            )


def _permitted(licence: _Licence, word: str, node: Node, purpose: Purpose) -> Term:
    """A permission; for money, or for some users or countries only, it is an offer on terms."""
    if licence.payment or licence.words.limit:
        clause = "payment" if licence.payment else "permits"
        return _conditional(_why(licence), node, purpose, licence.policy, clause)
    return _term(f"permits.{word}", Stance.PERMITTED, purpose, 2, node, None, "permits")


def _why(licence: _Licence) -> str:
    return "payment" if licence.payment else "limited"


def _conditional(rule: str, node: Node, purpose: Purpose, policy: str | None, clause: str) -> Term:
    return _term(rule, Stance.CONDITIONAL, purpose, 4, node, policy, clause)


def _term(
    rule: str,
    stance: Stance,
    purpose: Purpose,
    tier: int,
    node: Node,
    policy: str | None,
    clause: str,
) -> Term:
    return Term(
        rule=f"{FAMILY}.{rule}",
        stance=stance,
        purpose=purpose,
        tier=tier,
        line=node.line,
        raw=_raw(node),
        clause=f"RSL 1.0, element {clause}",
        policy=clean(policy) if policy else None,
    )


def _raw(node: Node) -> str:
    """An element as written, but for prefixes and white space."""
    attributes = "".join(f' {name}="{value}"' for name, value in node.attributes.items())
    return clean(f"<{node.name}{attributes}>{node.text}</{node.name}>"[:1000])


def _issue(code: str, node: Node, text: str = "") -> Issue:
    return Issue(code=f"{FAMILY}.{code}", line=node.line, excerpt=excerpt(text))
