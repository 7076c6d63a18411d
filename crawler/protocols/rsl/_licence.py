"""Turn the elements of an RSL 1.0 document into terms: one stance per `content` and purpose.

Rules for editors. RSL grants licences; it is not a statement about Article 4 by itself. So a
permission must never come from what is missing or unclear, and an element that departs from the
specification is shown but does not count (`Content.strict`, `Term.strict`). Sections are cited
from secondary readings of RSL 1.0 (docs/reference/protocols/rsl.md).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from crawler.model import Issue
from crawler.protocols.parsing.json_document import clean, excerpt
from crawler.protocols.parsing.xml_document import Node
from crawler.protocols.rsl import _asset
from crawler.protocols.rsl._asset import Asset
from crawler.vocab import Purpose, Stance

FAMILY = "rsl"
NAMESPACE = "https://rslstandard.org/rsl"

#: The uses that a licence offers which singles none out (RSL 1.0, 3.5).
EVERY_PURPOSE = (Purpose.TDM, Purpose.AI_TRAIN, Purpose.AI_INPUT, Purpose.SEARCH)
#: The purposes of each usage word (RSL 1.0, 3.4.1.1). `all` is any automated processing, hence
#: all mining. `ai-index` matches no purpose of this project.
USAGES: dict[str, tuple[Purpose, ...]] = {
    "all": EVERY_PURPOSE,
    "ai-all": (Purpose.AI_TRAIN, Purpose.AI_INPUT),
    "ai-train": (Purpose.AI_TRAIN,),
    "ai-input": (Purpose.AI_INPUT,),
    "ai-index": (),
    "search": (Purpose.SEARCH,),
}
# RSL 1.0, 3.4.1.1: the classes of use contain each other. The narrower decides.
_NARROWNESS = {"all": 0, "ai-all": 1}
_NARROWEST = 2
#: Words that documents write for a word of RSL: what was meant is a lenient reading.
NEAR_USAGES: dict[str, str] = {
    **dict.fromkeys(("any", "everything", "*", "all-uses", "all-usage"), "all"),
    **dict.fromkeys(("ai", "all-ai", "ai-any", "ai-*", "ai-use", "ai-usage", "genai"), "ai-all"),
    **dict.fromkeys(
        (
            *("train-ai", "ai-training", "aitrain", "aitraining", "training", "train", "ai-trains"),
            *("train-genai", "genai-train", "gen-ai-train", "genai-training", "model-training"),
            *("llm-training", "machine-learning", "ml-training"),
        ),
        "ai-train",
    ),
    **dict.fromkeys(
        ("input-ai", "ai-inputs", "aiinput", "ai-inference", "inference", "rag", "grounding"),
        "ai-input",
    ),
    **dict.fromkeys(("searching", "search-engine", "search-index", "web-search"), "search"),
    # RSL has no word for mining alone.
    **dict.fromkeys(("tdm", "text-and-data-mining", "data-mining", "text-mining", "mining"), "tdm"),
}
# Names and types that documents write for those of RSL.
_NEAR_NAMES = {
    **dict.fromkeys(
        ("prohibit", "prohibited", "forbids", "forbid", "deny", "disallow"), "prohibits"
    ),
    **dict.fromkeys(("permit", "permitted", "allows", "allow"), "permits"),
}
_NEAR_TYPES = frozenset(("", "usages", "use", "uses"))
_NO = frozenset(("no", "false", "0", "none", "deny", "denied", "disallow", "disallowed"))
_YES = frozenset(("", "yes", "true", "1"))
# RSL 1.0, 3.5: the list is closed, so what it does not name is not licensed. Search is left out
# here: that a list does not name it says nothing about mining.
_CLOSED_LIST_PURPOSES = (Purpose.AI_TRAIN, Purpose.AI_INPUT)
# RSL 1.0, 3.7: uses that these types of payment are for. The other types are for every use.
_PAID_USES = {"training": (Purpose.AI_TRAIN,), "use": (Purpose.AI_INPUT,)}
_TYPES = ("usage", "user", "geo")
_ELEMENTS = frozenset(
    (
        "rsl content license permits prohibits payment standard custom amount accepts legal "
        "reporting alternate schema copyright terms"
    ).split()
)
_HTTP_URL = re.compile(r"https?://[^\s/?#\\]+[^\s#]*(?:#\S*)?", re.IGNORECASE)


class Term(NamedTuple):
    """The stance of one `content` on one purpose, with the element that declares it.

    `narrowness` ranks the class of use that the element names: the greater decides. `implied`
    is set for what a closed list does not name. `strict` is False for what only a lenient
    reading yields.
    """

    rule: str
    stance: Stance
    purpose: Purpose
    tier: int
    line: int
    raw: str
    clause: str
    policy: str | None = None
    narrowness: int = 0
    implied: bool = False
    strict: bool = True


class Content(NamedTuple):
    """The terms of one `content` element.

    `path` is a path pattern, or None where the element covers whatever the document is attached
    to. `asset` is the host that its URL names, None for the asking origin. `strict` is False for
    an element that departs from the specification. `is_whole` is False where something was meant
    that cannot be read: no licence, or an unknown word in `prohibits`. What can be read counts.
    """

    path: str | None
    asset: Asset | None
    strict: bool
    terms: tuple[Term, ...]
    is_whole: bool = True


class _Usage(NamedTuple):
    """The `permits` and `prohibits` elements of a licence.

    `words` maps `permits` and `prohibits` to their usage words, each with the element that holds
    it; `near` does the same for words that are nearly those of RSL. `limit` is the first element
    about users or countries. `is_silent` says that no element is about usage, `lists_permits`
    that a `permits` is, `has_comma` that words are separated by commas, `has_unknown` that
    `prohibits` holds a word of no known meaning.
    """

    words: dict[str, dict[str, Node]]
    near: dict[str, dict[str, Node]]
    limit: Node | None
    is_silent: bool
    lists_permits: bool
    has_comma: bool
    has_unknown: bool = False


class _Licence(NamedTuple):
    """A `license` element: its usage, its payments, and the URL of its terms.

    `costs` are the payments that are not free, `free` is the first free one with the type
    `free` or none.
    """

    node: Node
    usage: _Usage
    costs: tuple[Node, ...]
    free: Node | None
    policy: str | None
    server: Node | None

    @property
    def payment(self) -> Node | None:
        """The element by which the licence is not free, None for a free licence."""
        return self.costs[0] if self.costs else self.server


def is_http_url(text: str) -> bool:
    """Return whether a text is an absolute http(s) URL."""
    return _HTTP_URL.fullmatch(text) is not None


def read_contents(root: Node, issues: list[Issue]) -> list[Content]:
    """Return the `content` elements of a document in order; add its issues to `issues`."""
    conforms = _conforms(root, issues)
    nodes = root.each("content")
    if not nodes:
        issues.append(_issue("no_content", root))
    several_hosts = len({asset for node in nodes if (asset := _host(node))}) > 1
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
    url = _asset.split_url(node.attributes.get("url", "").strip())
    return url.asset.host.removeprefix("www.") if url else ""


def _content(node: Node, conforms: bool, several_hosts: bool, issues: list[Issue]) -> Content:
    path, asset, is_clear = _path(node, several_hosts, issues)
    licences = [_licence(child, node, issues) for child in node.each("license")]
    if not licences:
        issues.append(_issue("no_license", node))
    has_comma = any(licence.usage.has_comma for licence in licences)
    is_strict = conforms and is_clear and not has_comma
    is_whole = bool(licences) and not any(licence.usage.has_unknown for licence in licences)
    return Content(path, asset, is_strict, tuple(_terms(licences)), is_whole)


def _path(
    node: Node, several_hosts: bool, issues: list[Issue]
) -> tuple[str | None, Asset | None, bool]:
    """Return path pattern and asset of a `content`, and whether its URL is one of RSL.

    RSL 1.0, 3.3: a path pattern, a full URL, or empty for what the document is attached to.
    """
    attribute = node.attributes.get("url")
    url = (attribute or "").strip()
    full = _asset.split_url(url)
    if full:
        code = "content.several_hosts" if several_hosts else "content.host"
        issues.append(_issue(code, node, url))
        return full.path, full.asset, True
    if not url:
        if attribute is None:
            issues.append(_issue("content.no_url", node))
        return None, None, attribute is not None
    if url[0] in "/*":
        return url, None, True
    issues.append(_issue("content.url", node, url))
    return "/" + url, None, False


def _licence(node: Node, content: Node, issues: list[Issue]) -> _Licence:
    payments = node.each("payment")
    issues += [_issue("payment.no_type", p) for p in payments if not _kind(p)]
    # RSL 1.0, 3.7: no payment, the type `free` or none means that the licence is free.
    costs = [p for p in payments if _kind(p) not in ("", "free")]
    free = next((p for p in payments if _kind(p) in ("", "free")), None)
    server = content.attributes.get("server", "").strip()
    addresses = [
        child.text for p in payments for name in ("standard", "custom") for child in p.each(name)
    ]
    addresses += [child.text for child in content.each("terms")]
    policy = next((text for text in [*addresses, server] if is_http_url(text)), None)
    # RSL 1.0, content@server: a licence must be obtained there, even a free one.
    return _Licence(
        node, _usage(node, issues), tuple(costs), free, policy, content if server else None
    )


def _kind(node: Node) -> str:
    return node.attributes.get("type", "").strip().lower()


def _usage(licence: Node, issues: list[Issue]) -> _Usage:
    """Read the `permits` and `prohibits` elements of a licence; note departures as issues."""
    words: dict[str, dict[str, Node]] = {"permits": {}, "prohibits": {}}
    near: dict[str, dict[str, Node]] = {"permits": {}, "prohibits": {}}
    limit, has_comma = None, False
    seen: set[tuple[str, str]] = set()
    for node in licence.children:
        name = _NEAR_NAMES.get(node.name, node.name)
        if node.space != licence.space or name not in words:
            continue
        kind = _kind(node)
        # An element with another name is an issue of the document (`unknown_element`).
        if kind not in _TYPES or name != node.name:
            if name == node.name:
                # `<permits type="ai-train">no</permits>` must not become a permission.
                issues.append(_issue("type", node, _raw(node)))
            _add_near_misses(node, name, kind, near)
            continue
        if (name, kind) in seen:
            issues.append(_issue("repeated", node, _raw(node)))
        seen.add((name, kind))
        if "," in node.text:
            # Draft 0.9 separated words by commas; RSL 1.0 separates them by white space.
            has_comma = True
            issues.append(_issue("comma_list", node, _raw(node)))
        if kind == "usage":
            _add_usage_words(node, words[name], near[name], issues)
        else:
            limit = limit or node
    is_silent = all(kind != "usage" for _, kind in seen)
    has_unknown = any(
        word not in USAGES and not _meant(word)
        for node in licence.each("prohibits")
        if _kind(node) in ("", "usage")
        for word in _words(node.text)
    )
    return _Usage(
        words, near, limit, is_silent, ("permits", "usage") in seen, has_comma, has_unknown
    )


def _words(text: str) -> list[str]:
    """Return the words of a list, each once; commas are taken for white space."""
    return list(dict.fromkeys(text.lower().replace(",", " ").replace(";", " ").split()))


def _add_usage_words(
    node: Node, words: dict[str, Node], near: dict[str, Node], issues: list[Issue]
) -> None:
    for word in _words(node.text):
        if word not in USAGES:
            issues.append(_issue("usage_unknown", node, word))
            if meant := _meant(word):
                near.setdefault(meant, node)
            continue
        if not USAGES[word]:
            issues.append(_issue("usage_not_judged", node, word))
        words.setdefault(word, node)


def _meant(word: str) -> str:
    """Return the word of `USAGES` or `tdm` that a word stands for; empty for other words."""
    plain = word.replace("_", "-").strip(".-\"'")
    return plain if plain in USAGES else NEAR_USAGES.get(plain, "")


def _add_near_misses(node: Node, name: str, kind: str, near: dict[str, dict[str, Node]]) -> None:
    """Add the usage words of an element that departs from RSL in its name or type.

    `<prohibits>ai-train</prohibits>`, `<prohibits type="ai-train">yes</prohibits>` and
    `<permits type="ai-train">no</permits>` are what people write to reserve.
    """
    if kind in _NEAR_TYPES or kind == "usage":
        text = f"{node.text} {node.attributes.get('usage', '')}"
        for word in filter(None, map(_meant, _words(text))):
            near[name].setdefault(word, node)
        return
    value, word = node.text.lower(), _meant(kind)
    if word and value in _NO:
        name = "prohibits" if name == "permits" else "permits"
    elif value not in _YES:
        word = ""
    if word:
        near[name].setdefault(word, node)


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
                term = _conditional("not_licensed", node, purpose, licence.policy, "permits (3.5)")
                yield term._replace(implied=True)
    for licence in licences:
        yield from _lenient_terms(licence)


def _licence_terms(licence: _Licence) -> Iterator[Term]:
    # A limit to some users or countries narrows a permission, never a prohibition.
    for word, node in licence.usage.words["prohibits"].items():
        for purpose in USAGES[word]:
            yield _prohibition(word, node, purpose)
    for word, node in licence.usage.words["permits"].items():
        for purpose in USAGES[word]:
            yield _permission(licence, word, node, purpose)
    if licence.usage.lists_permits:
        return
    # RSL 1.0, 3.5 and 3.7: no use is singled out, so the payment offers every use that it is for.
    if licence.payment:
        for purpose in _paid_purposes(licence):
            yield _conditional(
                "payment", licence.payment, purpose, licence.policy, "payment (3.5, 3.7)"
            )
    elif licence.usage.limit:
        for purpose in EVERY_PURPOSE if licence.usage.is_silent else ():
            yield _conditional(
                "limited", licence.usage.limit, purpose, licence.policy, licence.node.name
            )
    elif licence.free:
        for purpose in EVERY_PURPOSE:
            yield _term(
                "payment.free", Stance.PERMITTED, purpose, 2, licence.free, None, "payment (3.7)"
            )


def _paid_purposes(licence: _Licence) -> list[Purpose]:
    paid = [_PAID_USES.get(_kind(cost), EVERY_PURPOSE) for cost in licence.costs]
    return [p for p in EVERY_PURPOSE if any(p in uses for uses in paid or [EVERY_PURPOSE])]


def _lenient_terms(licence: _Licence) -> Iterator[Term]:
    """Yield what an element means that departs from RSL; none of it counts."""
    for name, near in licence.usage.near.items():
        for word, node in near.items():
            for purpose in USAGES.get(word, (Purpose.TDM,)):
                prohibits = name == "prohibits"
                term = (
                    _prohibition(word, node, purpose)
                    if prohibits
                    else _permission(licence, word, node, purpose)
                )
                yield term._replace(strict=False)
    # A payment without a type is free to the letter, whatever amount it names.
    priced = licence.free if licence.free and not _kind(licence.free) else None
    if priced is not None and any(priced.each(name) for name in ("amount", "standard", "custom")):
        uses = {p for word in licence.usage.words["permits"] for p in USAGES[word]}
        for purpose in uses if licence.usage.lists_permits else EVERY_PURPOSE:
            term = _conditional("payment", priced, purpose, licence.policy, "payment (3.7)")
            yield term._replace(strict=False)


def _prohibition(word: str, node: Node, purpose: Purpose) -> Term:
    term = _term(
        f"prohibits.{word}", Stance.RESERVED, purpose, 2, node, None, "prohibits (3.4.1.1)"
    )
    return term._replace(narrowness=_NARROWNESS.get(word, _NARROWEST))


def _permission(licence: _Licence, word: str, node: Node, purpose: Purpose) -> Term:
    """Return a permission; a paid or limited one is an offer on terms (`conditional`)."""
    narrowness = _NARROWNESS.get(word, _NARROWEST)
    if licence.payment or licence.usage.limit:
        rule, clause = ("payment", "payment (3.7)") if licence.payment else ("limited", "permits")
        term = _conditional(rule, node, purpose, licence.policy, clause)
    else:
        term = _term(
            f"permits.{word}", Stance.PERMITTED, purpose, 2, node, None, "permits (3.4.1.1)"
        )
    return term._replace(narrowness=narrowness)


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
