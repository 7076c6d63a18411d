"""Demo sites that reserve in prose, which only the rule set `inclusive` counts."""

from crawler.demo.answers import html
from crawler.demo.site import SILENT, Site, lines, site

_TERMS = (
    "<p>Welcome. All rights reserved.</p>\n"
    "<p>We reserve all rights to text and data mining under Art. 4(3) of Directive (EU) "
    "2019/790.</p>\n<p>You may not scrape this site.</p>\n"
)

_ITSELF = '<link rel="canonical" href="/terms">\n'

PROSE_SITES: tuple[Site, ...] = (
    site(
        "comment.demo.test",
        "A comment in robots.txt reserves in words (N02): no machine need read it, so silent.",
        SILENT,
        robots=lines("# § 44b UrhG Nutzungsvorbehalt", "User-agent: *", "Allow: /"),
    ),
    site(
        "terms.demo.test",
        "The terms that the home page links to reserve in words (N01): shown, and silent.",
        SILENT,
        home=html(in_body='<footer><a href="/terms">Terms of use</a></footer>\n'),
        more={"/terms": html(in_head=_ITSELF, in_body=_TERMS)},
    ),
    site(
        "article.demo.test",
        "An article about text and data mining mentions it and reserves nothing (N05).",
        SILENT,
        home=html(in_body="<p>What is text and data mining? Many publishers prohibit it.</p>\n"),
    ),
)
