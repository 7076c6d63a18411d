"""Demo sites that name rights holders and controllers: page metadata and trust.txt."""

import json
from types import MappingProxyType

from crawler.demo.answers import Answer, html
from crawler.demo.site import RESERVED, SILENT, Site, lines, site
from crawler.demo.sites_tdmrep import RESERVE_ALL

_PUBLISHER = {
    "@type": "Organization",
    "@id": "http://publisher.demo.test/#organization",
    "name": "Demo Newspaper Company",
}
_GRAPH = {
    "@context": "https://schema.org",
    "@graph": [
        {
            "@type": "WebPage",
            "copyrightHolder": {"@id": _PUBLISHER["@id"]},
            "publisher": {"@id": _PUBLISHER["@id"]},
            "acquireLicensePage": "/licences",
            "author": {"@type": "Person", "name": "Demo Author"},
        },
        _PUBLISHER,
    ],
}
_SCHEMA = html(
    in_head=f'<script type="application/ld+json">\n{json.dumps(_GRAPH, indent=1)}\n</script>\n'
)
_PHOTOGRAPHER = html(
    in_head='<script type="application/ld+json">{"@context": "http://schema.org", '
    '"@type": "WebSite", "copyrightHolder": {"@type": "Person", "name": "Demo Photographer"}}'
    "</script>\n"
)
_DUBLIN_CORE = html(
    in_head='<meta name="DCTERMS.rightsHolder" content="Demo Museum">\n'
    '<link rel="license" href="/reuse.html">\n'
)


def _trust(host: str, about: str, line: str) -> Site:
    more: dict[str, Answer] = {"/.well-known/trust.txt": lines(line)}
    return site(host, about, SILENT, more=MappingProxyType(more))


PARTY_SITES: tuple[Site, ...] = (
    site(
        "schema-org.demo.test",
        "A graph of schema.org names the holder and where a licence may be had.",
        RESERVED,
        tdmrep=RESERVE_ALL,
        home=_SCHEMA,
        articles=_SCHEMA,
    ),
    site(
        "photographer.demo.test",
        "The holder is a person, whose name is not stored.",
        SILENT,
        home=_PHOTOGRAPHER,
        articles=_PHOTOGRAPHER,
    ),
    site(
        "dublin-core.demo.test",
        "Dublin Core names the holder, and a link the licence.",
        SILENT,
        home=_DUBLIN_CORE,
        articles=_DUBLIN_CORE,
    ),
    _trust(
        "newspaper.trust-child.example",
        "A trust file says who controls the site, and that one says the same (J07).",
        "controlledby=http://www.trust-parent.example/",
    ),
    _trust(
        "www.trust-parent.example",
        "The other half of the pair (J07).",
        "control=http://newspaper.trust-child.example/",
    ),
    _trust(
        "claims.trust-child.example",
        "A trust file claims a controller that does not say so.",
        "controlledby=http://www.trust-parent.example/",
    ),
)
