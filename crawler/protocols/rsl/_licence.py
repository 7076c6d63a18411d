"""Turn the elements of an RSL 1.0 document into terms: one stance per `content` and purpose.

Rules for editors. RSL grants licences; it is not a statement about Article 4 by itself. So a
permission must never come from what is missing or unclear, and an element that departs from the
specification is shown but does not count (`Content.strict`).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import Issue
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.protocols.parsing.xml_document import Node
from crawler.vocab import Purpose, Stance

FAMILY = "rsl"
NAMESPACE = "https://rslstandard.org/rsl"

#: The purposes of each usage word of RSL 1.0. `ai-index` matches no purpose of this project.
USAGES: dict[str, tuple[Purpose, ...]] = {
    "all": (Purpose.AI_TRAIN, Purpose.AI_INPUT, Purpose.SEARCH),
    "ai-all": (Purpose.AI_TRAIN, Purpose.AI_INPUT),
    "ai-train": (Purpose.AI_TRAIN,),
    "ai-input": (Purpose.AI_INPUT,),
    "ai-index": (),
    "search": (Purpose.SEARCH,),
}
# RSL 1.0, element permits: the list is closed, so what it does not name is not licensed. Search
# is left out here: that a list does not name it says nothing about mining.
_CLOSED_LIST_PURPOSES = (Purpose.AI_TRAIN, Purpose.AI_INPUT)
_TYPES = ("usage", "user", "geo")
_ELEMENTS = frozenset(
    (
        "rsl content license permits prohibits payment standard custom amount accepts legal "
        "reporting alternate schema copyright terms"
    ).split()
)
_URL = re.compile(r"https?://([^\s/?#\\]+)([^\s#]*)(#\S*)?", re.IGNORECASE)


class Term(NamedTuple):
    """The stance of one `content` on one purpose, with the element that declares it."""

    rule: str
    stance: Stance
    purpose: Purpose
    tier: int
    line: int
    raw: str
    clause: str
    policy: str | None = None


class Content(NamedTuple):
    """The terms of one `content` element.

    `path` is a path pattern, or None where the element covers whatever the document is attached
    to. `strict` is False for an element that departs from the specification.
    """

    path: str | None
    strict: bool
    terms: tuple[Term, ...]


class _Usage(NamedTuple):
    """The `permits` and `prohibits` elements of a licence.

    `words` maps `permits` and `prohibits` to their usage words, each with the element that holds
    it. `limit` is the first element about users or countries. `is_silent` says that no element
    is about usage, `has_comma` that words are separated by commas.
    """

    words: dict[str, dict[str, Node]]
    limit: Node | None
    is_silent: bool
    has_comma: bool


class _Licence(NamedTuple):
    """A `license` element: its usage, its payment if it is not free, and the URL of its terms."""

    node: Node
    usage: _Usage
    payment: Node | None
    policy: str | None


def is_http_url(text: str) -> bool:
    """Return whether a text is an absolute http(s) URL."""
    return _URL.fullmatch(text) is not None


def read_contents(root: Node, issues: list[Issue]) -> list[Content]:
    """Return the `content` elements of a document in order; add its issues to `issues`."""
    conforms = _conforms(root, issues)
    nodes = root.each("content")
    if not nodes:
        issues.append(_issue("no_content", root))
    several_hosts = len({host for node in nodes if (host := _host(node))}) > 1
    return [_content(node, conforms, several_hosts, issues) for node in nodes]


def _conforms(root: Node, issues: list[Issue]) -> bool:
    """Return whether the namespace and all elements in it are those of RSL 1.0."""
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


def _content(node: Node, conforms: bool, several_hosts: bool, issues: list[Issue]) -> Content:
    path, is_for_origin = _path(node, several_hosts, issues)
    licences = [_licence(child, node, issues) for child in node.each("license")]
    if not licences:
        issues.append(_issue("no_license", node))
    has_comma = any(licence.usage.has_comma for licence in licences)
    return Content(path, conforms and is_for_origin and not has_comma, tuple(_terms(licences)))


def _path(node: Node, several_hosts: bool, issues: list[Issue]) -> tuple[str | None, bool]:
    """Return the path pattern of a `content`, and whether it surely concerns this origin.

    RSL 1.0, content@url: a path pattern, a full URL, or empty for what the document is attached
    to.
    """
    attribute = node.attributes.get("url")
    url = (attribute or "").strip()
    match = _URL.fullmatch(url)
    if match:
        # A document does not know which origin points to it. Its path is taken, unless the
        # document names several hosts: at most one of them is the origin.
        code = "content.several_hosts" if several_hosts else "content.host"
        issues.append(_issue(code, node, url))
        path = match[2] if match[2].startswith("/") else "/" + match[2]
        return path, not several_hosts
    if not url:
        if attribute is None:
            issues.append(_issue("content.no_url", node))
        return None, attribute is not None
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
    # RSL 1.0, element payment: no payment, or the type `free`, means that the licence is free.
    costs = [p for p, kind in zip(payments, kinds, strict=True) if kind != "free"]
    server = content.attributes.get("server", "").strip()
    addresses = [
        child.text for p in costs for name in ("standard", "custom") for child in p.each(name)
    ]
    addresses += [child.text for child in content.each("terms")]
    policy = next((text for text in [*addresses, server] if is_http_url(text)), None)
    # RSL 1.0, content@server: a licence must be obtained there, even a free one.
    payment = costs[0] if costs else content if server else None
    return _Licence(node, _usage(node, issues), payment, policy)


def _usage(licence: Node, issues: list[Issue]) -> _Usage:
    """Read the `permits` and `prohibits` elements of a licence; note departures as issues."""
    words: dict[str, dict[str, Node]] = {"permits": {}, "prohibits": {}}
    limit, has_comma = None, False
    seen: set[tuple[str, str]] = set()
    for node in licence.children:
        kind = node.attributes.get("type", "").strip().lower()
        if node.space != licence.space or node.name not in words:
            continue
        if kind not in _TYPES:
            # `<permits type="ai-train">no</permits>` must not become a permission.
            issues.append(_issue("type", node, _raw(node)))
            continue
        if (node.name, kind) in seen:
            issues.append(_issue("repeated", node, _raw(node)))
        seen.add((node.name, kind))
        if "," in node.text:
            # Draft 0.9 separated words by commas; RSL 1.0 separates them by white space.
            has_comma = True
            issues.append(_issue("comma_list", node, _raw(node)))
        if kind == "usage":
            _add_usage_words(node, words[node.name], issues)
        else:
            limit = limit or node
    is_silent = all(kind != "usage" for _, kind in seen)
    return _Usage(words, limit, is_silent, has_comma)


def _add_usage_words(node: Node, words: dict[str, Node], issues: list[Issue]) -> None:
    for word in dict.fromkeys(node.text.lower().replace(",", " ").split()):
        if word not in USAGES:
            issues.append(_issue("usage_unknown", node, word))
            continue
        if not USAGES[word]:
            issues.append(_issue("usage_not_judged", node, word))
        words.setdefault(word, node)


def _terms(licences: list[_Licence]) -> Iterator[Term]:
    """Yield the terms of each licence, then those of purposes that a closed list leaves out."""
    named: set[Purpose] = set()
    for licence in licences:
        for term in _licence_terms(licence):
            named.add(term.purpose)
            yield term
    permitting = [licence for licence in licences if licence.usage.words["permits"]]
    for licence in permitting[:1]:
        node = next(iter(licence.usage.words["permits"].values()))
        for purpose in _CLOSED_LIST_PURPOSES:
            if purpose not in named:
                yield _conditional("not_licensed", node, purpose, licence.policy, "permits")


def _licence_terms(licence: _Licence) -> Iterator[Term]:
    # A limit to some users or countries narrows a permission, never a prohibition.
    for word, node in licence.usage.words["prohibits"].items():
        for purpose in USAGES[word]:
            yield _term(f"prohibits.{word}", Stance.RESERVED, purpose, 2, node, None, "prohibits")
    for word, node in licence.usage.words["permits"].items():
        for purpose in USAGES[word]:
            yield _permission(licence, word, node, purpose)
    if licence.usage.is_silent:
        # No use is named at all: then the payment or the limit concerns every use.
        for node in filter(None, (licence.payment or licence.usage.limit,)):
            yield _conditional(
                _condition(licence), node, Purpose.AI_TRAIN, licence.policy, licence.node.name
            )


def _permission(licence: _Licence, word: str, node: Node, purpose: Purpose) -> Term:
    """Return a permission; a paid or limited one is an offer on terms (`conditional`)."""
    if licence.payment or licence.usage.limit:
        clause = "payment" if licence.payment else "permits"
        return _conditional(_condition(licence), node, purpose, licence.policy, clause)
    return _term(f"permits.{word}", Stance.PERMITTED, purpose, 2, node, None, "permits")


def _condition(licence: _Licence) -> str:
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
    """Return an element as markup without prefixes, at most 1,000 characters."""
    attributes = "".join(f' {name}="{value}"' for name, value in node.attributes.items())
    return clean(f"<{node.name}{attributes}>{node.text}</{node.name}>"[:1000])


def _issue(code: str, node: Node, text: str = "") -> Issue:
    return Issue(code=f"{FAMILY}.{code}", line=node.line, excerpt=excerpt(text))
