"""Offers of an RSL document: on which terms, for which uses and where a licence is to be had."""

from collections.abc import Iterator

from crawler.model import Party
from crawler.protocols.parsing import parties
from crawler.protocols.parsing.xml_document import Node
from crawler.protocols.rsl._licence import USAGES, is_http_url
from crawler.vocab import Offer, Purpose

#: Offers of one document that are read.
_MAX_OFFERS = 20
# RSL 1.0, 3.7: types of payment. One that is not known asks for something, so for payment.
_TERMS = {
    "attribution": Offer.ATTRIBUTION,
    "contribution": Offer.CONTRIBUTION,
    "free": Offer.FREE,
    "": Offer.FREE,
}


def offers(root: Node) -> Iterator[Party | None]:
    """Yield a party without a name for each place at which a document offers a licence."""
    licences = [(c, licence) for c in root.each("content") for licence in c.each("license")]
    for content, licence in licences[:_MAX_OFFERS]:
        payments = licence.each("payment")
        if not payments and licence.each("prohibits") and not licence.each("permits"):
            continue
        terms = dict.fromkeys(
            _TERMS.get(p.attributes.get("type", "").strip().lower(), Offer.PAYMENT)
            for p in payments
        ) or {Offer.FREE: None}
        uses = tuple(_uses(licence))
        for source, address, line in _places(content, payments):
            if is_http_url(address):
                yield parties.make_party(
                    f"rsl.{source}",
                    "offers_licence",
                    parties.MEDIUM,
                    licence_page=address,
                    offers=tuple(terms),
                    uses=uses,
                    place=f"{source}, line {line}",
                )


def _places(content: Node, payments: list[Node]) -> Iterator[tuple[str, str, int]]:
    """Yield the kind, the address and the line of each place that a licence names."""
    # RSL 1.0, content@server: a licence must be obtained there, even a free one.
    if server := content.attributes.get("server", "").strip():
        yield "server", server, content.line
    for name in ("custom", "standard"):
        for node in (child for payment in payments for child in payment.each(name)):
            yield name, node.text, node.line
    for node in content.each("terms"):
        yield "terms", node.text, node.line


def _uses(licence: Node) -> Iterator[Purpose]:
    """Yield the purposes that `permits` elements name (RSL 1.0, 3.5); none are singled out
    where none is named.
    """
    named = {
        purpose
        for node in licence.each("permits")
        if node.attributes.get("type", "").strip().lower() == "usage"
        for word in node.text.lower().replace(",", " ").split()
        for purpose in USAGES.get(word, ())
    }
    yield from (purpose for purpose in Purpose if purpose in named)
