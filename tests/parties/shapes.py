"""Pages in the shapes that content management systems produce, with names in their usual places.

A page is built from the facts of a label: `foot` is its copyright line as text, `names` are other
places with their text. Every shape has what distracts: credits of pictures, the author of a theme,
a cookie notice with the name of its maker.
"""

# ruff: noqa: E501 - markup is easier to read in whole lines
import html
import json
from collections.abc import Mapping

_TEXT = "<p>" + "Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 12 + "</p>"
_CREDIT = (
    '<figure class="wp-block-image"><img src="/a.jpg" alt=""><figcaption class="caption">'
    "Foto: © Bildagentur Nord GmbH / picture desk</figcaption></figure>"
)
_COOKIES = (
    '<div id="cookie-bar">This site uses cookies by Consent Maker Ltd. <a href="#">OK</a></div>'
)


def _ld(*nodes: Mapping[str, object]) -> str:
    graph = {"@context": "https://schema.org", "@graph": list(nodes)}
    return f'<script type="application/ld+json">{json.dumps(graph, ensure_ascii=False)}</script>'


def _node(text: str, **more: object) -> dict[str, object]:
    """A party: `Type: name`, or a name without a type."""
    kind, colon, name = text.partition(": ")
    return {"@type": kind, "name": name, **more} if colon else {"name": text, **more}


def _head(label: Mapping[str, str], more: str = "") -> str:
    names = label.get("names", {})
    metas = "".join(
        f'<meta name="{name}" content="{html.escape(text)}">\n'
        for name, text in names.items()
        if name.lower().startswith(("copyright", "dc.", "dcterms.", "rights"))
    )
    site = names.get("og:site_name")
    og = f'<meta property="og:site_name" content="{html.escape(site)}">\n' if site else ""
    nodes: list[dict[str, object]] = []
    if "publisher" in names:
        publisher = {"@id": "https://site.example/#organization"} | _node(names["publisher"])
        if "parent" in names:
            publisher["parentOrganization"] = _node(names["parent"])
        nodes += [
            {"@type": "WebSite", "publisher": {"@id": publisher["@id"]}, "name": "Site"},
            publisher,
        ]
    if "holder" in names:
        nodes.append({"@type": "NewsArticle", "copyrightHolder": _node(names["holder"])})
    data = _ld(*nodes) if nodes else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{label.get("lang", "en")}">\n<head>\n<meta charset="utf-8">'
        f"\n<title>An article</title>\n{metas}{og}{data}{more}</head>\n"
    )


def _foot(label: Mapping[str, str]) -> str:
    return html.escape(label.get("foot", ""), quote=False)


def wordpress(label: Mapping[str, str]) -> str:
    """A theme with a colophon, and a credit of the theme in the same line."""
    theme = '<span class="sep"> | </span><a href="https://t.example">Theme: Fastpress by Themeworks Inc.</a>'
    return (
        _head(label, '<meta name="generator" content="WordPress 6.5">')
        + f'<body class="home"><main><article>{_CREDIT}{_TEXT}</article></main>'
        f'<footer id="colophon" class="site-footer"><div class="site-info">{_foot(label)}{theme}</div>'
        f"</footer>{_COOKIES}<script>var a = '© 1999 Script Ltd';</script></body></html>"
    )


def typo3(label: Mapping[str, str]) -> str:
    """A page with TYPO3's comment in its head and a table in its foot."""
    return (
        _head(
            label,
            "<!-- This website is powered by TYPO3. TYPO3 is copyright 1998-2024 of A Person. -->",
        )
        + f'<body><div id="page"><div class="content">{_TEXT}{_CREDIT}</div><div id="footer"><ul>'
        f'<li>{_foot(label)}</li><li><a href="/impressum">Impressum</a></li></ul></div></div></body></html>'
    )


def drupal(label: Mapping[str, str]) -> str:
    """A block in the footer region, with the sign as an entity."""
    foot = _foot(label).replace("©", "&copy;")
    return (
        _head(label, '<meta name="Generator" content="Drupal 10">')
        + f'<body><div class="layout-container"><main role="main">{_TEXT}</main><footer role="contentinfo">'
        f'<div class="region region-footer"><div class="block"><p>{foot}</p></div></div></footer></div>'
        "</body></html>"
    )


def shopify(label: Mapping[str, str]) -> str:
    """A shop: the name is a link, and the maker of the software follows."""
    before, sign, name = _foot(label).rpartition(", ")
    line = f'{before}{sign}<a href="/" title="">{name}</a>' if sign else _foot(label)
    product = {"@type": "Product", "name": "Mug", "brand": {"@type": "Brand", "name": "Mugs Inc."}}
    return (
        _head(label, _ld(product))
        + f'<body><main>{_TEXT}</main><footer class="footer"><small class="copyright__content">{line}</small>'
        '<small class="copyright__content"><a rel="nofollow" href="https://s.example">Powered by Shopify</a>'
        "</small></footer></body></html>"
    )


def paywall(label: Mapping[str, str]) -> str:
    """A newspaper: an article that is not free, an author, an agency, a long foot."""
    article = {
        "@type": "NewsArticle",
        "isAccessibleForFree": False,
        "author": {"@type": "Person", "name": "Anna Author"},
        "image": {
            "@type": "ImageObject",
            "copyrightHolder": {"@type": "Organization", "name": "Foto Agentur GmbH"},
        },
    }
    return (
        _head(label, _ld(article))
        + f'<body><article class="premium">{_CREDIT}{_TEXT}<p>© dpa-infocom GmbH, dpa:240101-99-1/2</p>'
        f'<div class="paywall">Subscribe</div>{_TEXT}</article><footer class="page-footer"><nav><a href="/agb">'
        f"Terms</a><a href=/datenschutz>Privacy</a></nav><p>{_foot(label)}</p></footer></body></html>"
    )


def agency(label: Mapping[str, str]) -> str:
    """An image agency: pictures with owners and licences of their own."""
    picture = {
        "@type": "ImageObject",
        "contentUrl": "https://i.example/1.jpg",
        "copyrightHolder": {"@type": "Person", "name": "Paul Photographer"},
        "acquireLicensePage": "https://i.example/buy",
    }
    return (
        _head(label, _ld(picture))
        + "<body><div class=gallery>"
        + '<div class="image-credit">© Paul Photographer / Other Pictures Ltd</div>' * 3
        + f'</div>{_TEXT}<div class="footer-bottom"><div>{_foot(label)}</div></div></body></html>'
    )


def microdata(label: Mapping[str, str]) -> str:
    """A theme that marks its article up in microdata, publisher included."""
    names = label.get("names", {})
    publisher = names.get("microdata", "")
    kind, _, name = publisher.rpartition(": ")
    item = (
        f'<div itemprop="publisher" itemscope itemtype="https://schema.org/{kind or "Organization"}">'
        f'<meta itemprop="name" content="{html.escape(name)}"><div itemprop="logo" itemscope '
        'itemtype="https://schema.org/ImageObject"><meta itemprop="url" content="/l.png"></div></div>'
    )
    return (
        _head(label)
        + '<body><article itemscope itemtype="https://schema.org/NewsArticle"><h1 itemprop="headline">A</h1>'
        f'<span itemprop="author" itemscope itemtype="https://schema.org/Person"><span itemprop="name">'
        f"Anna Author</span></span>{item if name else ''}<div itemprop=articleBody>{_TEXT}</div></article>"
        f"<footer>{_foot(label)}</footer></body></html>"
    )


def builder(label: Mapping[str, str]) -> str:
    """A page of a site builder: no footer element, classes by a generator, the name in spans."""
    foot = "</span><!-- --><span>".join(_foot(label).split(" ", 1))
    return (
        _head(label)
        + f'<body><div id="root"><div class="css-1x">{_TEXT}{_TEXT}</div><div class="css-9k"><p><span>{foot}</span>'
        "</p></div></div></body></html>"
    )


def repository(label: Mapping[str, str]) -> str:
    """A repository of a library: Dublin Core in the head, nothing in the foot."""
    return _head(label) + f"<body>{_TEXT}<p>DSpace software</p></body></html>"


def rdfa(label: Mapping[str, str]) -> str:
    """A theme that marks its articles up in RDFa Lite, with authors and pictures of others."""
    names = label.get("names", {})
    publisher, holder = names.get("rdfa", ""), names.get("rdfa:holder", "")
    kind, _, name = publisher.rpartition(": ")
    item = (
        f'<div property="publisher" typeof="{kind or "Organization"}"><img property="logo" src="/l.png">'
        f'<span property="name">{html.escape(name)}</span></div>'
    )
    line = f'<p>Rights: <span property="copyrightHolder">{html.escape(holder)}</span></p>'
    return (
        _head(label, '<meta property="article:publisher" content="https://social.example/page">')
        + '<body vocab="https://schema.org/"><article typeof="NewsArticle"><h1 property="headline">A</h1>'
        '<span property="author" typeof="Person"><span property="name">Anna Author</span></span>'
        '<figure property="image" typeof="ImageObject"><span property="copyrightHolder">Foto Agentur GmbH'
        f"</span></figure>{item if name else ''}{line if holder else ''}<div>{_TEXT}</div></article>"
        f"<footer>{_foot(label)}</footer></body></html>"
    )


def catalogue(label: Mapping[str, str]) -> str:
    """A catalogue of a library: Dublin Core in RDFa about the page, and about a book that it shows."""
    names = label.get("names", {})
    said = "".join(
        f'<dd property="{term.removeprefix("rdfa:")}">{html.escape(text)}</dd>'
        for term, text in names.items()
        if term.startswith("rdfa:dc")
    )
    return (
        _head(label)
        + '<body prefix="dct: http://purl.org/dc/terms/"><div about="urn:isbn:1" typeof="schema:Book">'
        '<b property="dct:publisher">Book Verlag GmbH</b><b property="schema:publisher">Book Verlag GmbH</b>'
        f"</div><dl>{said}</dl>{_TEXT}</body></html>"
    )


SHAPES = {
    f.__name__: f
    for f in (
        *(wordpress, typo3, drupal, shopify, paywall, agency, microdata, builder, repository),
        *(rdfa, catalogue),
    )
}
