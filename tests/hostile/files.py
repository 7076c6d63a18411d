"""Files that are hard to read, or that lead on: bombs for readers of text, JSON, XML and HTML."""

import json

from crawler.demo.answers import Plain, RedirectsTo, html, text

DEEP = "[" * 500_000
XML = (("Content-Type", "application/rsl+xml"),)
RSL = '<rsl xmlns="https://rslstandard.org/rsl">'


def filled(start, again, end="", size=1_000_000):
    """A text of about this size."""
    return start + again * ((size - len(start) - len(end)) // len(again)) + end


def numbered(form, size=1_000_000):
    """Lines with ascending numbers, of about this size in all."""
    return "".join(map(form.format, range(size // (len(form) + 3))))


def licensed(document):
    """Pages of a host whose licence is this document."""
    content = document if isinstance(document, bytes) else document.encode()
    answer = Plain(headers=XML, body=content)
    return {"/robots.txt": text("License: http://HOST/rsl.xml\n"), "/rsl.xml": answer}


def laughs(kind=RSL):
    entities = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    return (
        f'<?xml version="1.0"?><!DOCTYPE rsl [<!ENTITY a "aaaaaaaaaa">{entities}]>{kind}&j;</rsl>'
    )


def page(content, charset="utf-8"):
    return {"/": text(content, f"text/html; charset={charset}")}


def robots(content):
    return {"/robots.txt": text(content)}


def tdmrep(content):
    return {"/.well-known/tdmrep.json": text(content, "application/json")}


CHARSETS = "punycode idna zlib_codec rot13 unicode_escape utf-7 undefined hz".split()


def encoded(charset):
    """Pages that name a charset which Python would decode in quadratic time, or not as text."""
    body = "<p>" + "ab-" * 300_000
    kind = f"text/html; charset={charset}"
    return {"/": text(body, kind), "/robots.txt": text(body, f"text/plain; charset={charset}")}


ONE_RULE = '{{"location":"/{0}*a*b*c$","tdm-reservation":1}},'
CONTROLS = "".join(map(chr, (*range(1, 32), *range(127, 160), 0x202E, 0x2066, 0x200F, 0xFEFF)))
POLICY = '{{"location":"/{0}","tdm-reservation":1,"tdm-policy":"http://HOST/p{0}.json"}},'
ELSEWHERE = '{{"location":"/{0}","tdm-reservation":1,"tdm-policy":"http://victim{0}.test/p.json"}},'

LINK = '<http://{}.test/l>; rel="license"; type="application/rsl+xml"'
LINKS = ", ".join(LINK.format(f"victim{n}") for n in range(90))
OWN_LINK = LINK.format("HOST").replace(".test/l", "/rsl.xml")
ENTITY = '<!DOCTYPE rsl {}[<!ENTITY a SYSTEM "{}">]>' + RSL + "&a;</rsl>"
LICENCE = '<license><{0} type="usage">{1}</{0}></license>'
POLICY_OF_ITSELF = (
    b'{"@context":"http://www.w3.org/ns/odrl.jsonld","@type":"Offer",'
    b'"tdm-policy":"http://HOST/p.json"}'
)

#: Files that are hard to read, or that lead on: pages by path. HOST becomes the name of the host.
FILES = {
    # robots.txt
    "a million lines": robots(filled("User-agent: *\n", "\n")),
    "a million rules": robots(numbered("Disallow: /{}\n")),
    "rules of everybody": robots("User-agent: *\n" + numbered("Disallow: /{}\n")),
    "a hundred thousand agents": robots(numbered("User-agent: bot{}\n") + "Disallow: /\n"),
    "a group for each agent": robots(numbered("User-agent: bot{}\nDisallow: /\n")),
    "one agent in every group": robots(filled("", "User-agent: *\nDisallow: /a\n\n")),
    "wildcards": robots("User-agent: *\n" + filled("", f"Disallow: /{'*a' * 200}$\n")),
    "one line of wildcards": robots("User-agent: *\nDisallow: /" + filled("", "*a") + "$\n"),
    "a line of a megabyte": robots(filled("User-agent: ", "x")),
    "line ends of all kinds": robots(filled("User-agent: *\n", "\r\r\n\n\v\f\x85\u2028")),
    "colons": robots(filled("", ":")),
    "hashes": robots(filled("", "#")),
    "sitemaps": robots(numbered("Sitemap: http://HOST/{}.xml\n")),
    "signals": robots("User-agent: *\n" + filled("Content-Signal: ", "ai-train=no, search=yes, ")),
    "lines of signals": robots(filled("User-agent: *\n", "Content-Signal: ai-train=no\n")),
    "usages": robots(filled("User-agent: *\nContent-Usage: ", "train-ai=n, ")),
    "usages of paths": robots(filled("User-agent: *\n", "Content-Usage: /*a*b$ train-ai=n\n")),
    "brackets of usages": robots(filled("User-agent: *\nContent-Usage: a=", "(")),
    "misspelt keys": robots(filled("", "Usr-agnt: *\nDisalow: /\nContent-Sgnal: x\n")),
    "percents": robots(filled("User-agent: *\nDisallow: /", "%")),
    "comments that reserve": robots(filled("", "# We reserve text and data mining rights \n")),
    "almost a sentence": robots(filled("# ", "we expressly reserve all rights and ")),
    # JSON
    "deep JSON": {**tdmrep(DEEP), "/ai.txt": text(DEEP)},
    "deep JSON objects": tdmrep('{"a":' * 160_000),
    "wide JSON": tdmrep("[" + numbered('{{"location":"/{0}","tdm-reservation":1}},') + "{}]"),
    "wide JSON of patterns": tdmrep("[" + numbered(ONE_RULE) + "{}]"),
    "one JSON pattern": tdmrep('[{"location":"/' + filled("", "*a") + '$","tdm-reservation":1}]'),
    "a JSON number": tdmrep('[{"location":"/","tdm-reservation":' + "1" * 900_000 + "}]"),
    "a JSON fraction": tdmrep('[{"location":"/","tdm-reservation":1.' + "0" * 900_000 + "e9}]"),
    "a JSON exponent": tdmrep('[{"location":"/","tdm-reservation":1e999999999}]'),
    "keys twice": tdmrep("[{" + numbered('"tdm-reservation":{},') + '"location":"/"}]'),
    "a JSON string": tdmrep('["' + filled("", "\\u0061") + '"]'),
    "lone surrogates": tdmrep('[{"location":"/","tdm-reservation":"' + "\\ud800" * 1000 + '"}]'),
    "JSON in JSON": tdmrep('"' + "\\" * 900_000 + '"'),
    # XML
    "a billion laughs": {
        **licensed(laughs()),
        "/": html(
            in_head='<link rel="license" type="application/rsl+xml" href="http://HOST/rsl.xml">'
        ),
    },
    "a long entity": licensed(
        f'<!DOCTYPE rsl [<!ENTITY a "{"a" * 100_000}">]>{RSL}{"&a;" * 100_000}</rsl>'
    ),
    "an entity of a file": licensed(ENTITY.format("", "file:///etc/passwd")),
    "an entity of a host": licensed(
        ENTITY.format('SYSTEM "http://victim.test/x.dtd" ', "http://victim.test/a")
    ),
    "deep XML": licensed(filled(RSL, "<content>")),
    "wide XML": licensed(filled(RSL, '<content url="/*a"/>', "</rsl>")),
    "wide licences": licensed(
        filled(RSL, f'<content url="/*a">{LICENCE.format("prohibits", "all")}</content>', "</rsl>")
    ),
    "licences of one content": licensed(
        filled(f'{RSL}<content url="/">', LICENCE.format("permits", "search"), "</content></rsl>")
    ),
    "XML attributes": licensed(RSL + "<content " + numbered('a{}="" ') + "/></rsl>"),
    "XML namespaces": licensed(RSL + "<content " + numbered('xmlns:a{}="b" ') + "/></rsl>"),
    "XML in UTF-16": licensed(("\ufeff" + laughs()).encode("utf-16-le")),
    # HTML
    "deep HTML": page(filled("", "<div>")),
    "deep HTML tables": page(filled("", "<table><tr><td>")),
    "deep formatting": page(filled("", "<a><b><i><font>")),
    "a million attributes": page("<meta " + numbered("a{} ") + ">"),
    "attributes of one name": page(filled("<meta ", "name=robots ", ">")),
    "a million meta elements": page(filled("", '<meta name="robots" content="noai">')),
    "open comments": page(filled("", "<!--")),
    "open tags": page(filled("", "<meta name=")),
    "open quotes": page(filled("", "<a b='")),
    "open declarations": page(filled("", "<!DOCTYPE")),
    "open scripts": page(filled("", "<script>")),
    "less-than signs": page(filled("", "<")),
    "ampersands": page(filled("", "&")),
    "numeric references": page(filled("", "&#x110000;&#0;&#99999999999;")),
    "slashes": page(filled("<", "/")),
    "deep JSON-LD": page(f'<script type="application/ld+json">{DEEP}</script>'),
    "JSON-LD elements": page(
        filled("", '<script type="application/ld+json">{"license":"x"}</script>')
    ),
    "links": page(numbered('<link rel="license" href="http://victim{}.test/">')),
    "policies in meta": page(numbered('<meta name="tdm-policy" content="http://HOST/p{}.json">')),
    "a sentence without end": page(
        filled("<p>", "all rights reserved including text and data mining ")
    ),
    "words for patterns": page(filled("<p>", "not ")),
    "spaces": page("<p>reserve" + filled("", " ") + "rights"),
    # Characters
    **{f"charset {name}": encoded(name) for name in CHARSETS},
    "controls in everything": {
        "/robots.txt": text(f"User-agent: {CONTROLS}\nDisallow: /{CONTROLS}\n# {CONTROLS}\n"),
        "/ai.txt": text(f"User-Agent: {CONTROLS}\nDisallow: {CONTROLS}\n"),
        "/.well-known/tdmrep.json": text(
            json.dumps([{"location": CONTROLS, "tdm-reservation": CONTROLS}])
        ),
        "/": html(in_head=f'<title>{CONTROLS}</title><meta name="robots" content="{CONTROLS}">'),
    },
    "NULs in everything": {
        path: text("User-agent: *\0\nDisallow\0: /\0\n\0" * 1000)
        for path in ("/robots.txt", "/ai.txt", "/", "/.well-known/tdmrep.json", "/trust.txt")
    },
    # Files that lead on
    "10,000 policies": tdmrep("[" + numbered(POLICY) + "{}]"),
    "10,000 hosts of policies": tdmrep("[" + numbered(ELSEWHERE) + "{}]"),
    "10,000 licences": robots(numbered("License: http://HOST/l{}.xml\n")),
    "a licence of itself": {
        **licensed(
            f'{RSL}<content url="/" server="http://HOST/"><license>'
            "<terms>http://HOST/rsl.xml</terms></license></content></rsl>"
        ),
        "/": html(headers=(("Link", OWN_LINK),)),
    },
    "a licence that redirects": {
        "/robots.txt": text("License: http://HOST/rsl.xml\n"),
        "/rsl.xml": RedirectsTo("/rsl2.xml"),
        "/rsl2.xml": RedirectsTo("/rsl.xml"),
    },
    "policies of policies": {
        **tdmrep('[{"location":"/","tdm-reservation":1,"tdm-policy":"http://HOST/p.json"}]'),
        "/p.json": Plain(
            headers=(("Content-Type", "application/json"), ("tdm-policy", "http://HOST/p.json?x")),
            body=POLICY_OF_ITSELF,
        ),
    },
    "robots.txt elsewhere": {"/robots.txt": RedirectsTo("http://victim.test/robots.txt")},
    "links in headers": {"/": html(headers=(("Link", LINKS),) * 100)},
    "usages in headers": {
        "/": html(headers=(("Content-Usage", "train-ai=n, " * 600 + "x=y"),) * 100)
    },
    "robots in headers": {"/": html(headers=(("X-Robots-Tag", "noai, bot: " * 700),) * 100)},
    # Other files
    "lines of ai.txt": {
        "/ai.txt": text(numbered("User-Agent: bot{}\nDisallow: *.jpg\nAllow: /\n"))
    },
    "one line of ai.txt": {"/ai.txt": text(filled("Disallow: ", "*.jpg "))},
    "lines of trust.txt": {
        "/trust.txt": text(numbered("member=http://victim{}.test/\n")),
        "/.well-known/trust.txt": text(filled("", "datatrainingallowed=no\n")),
    },
}
