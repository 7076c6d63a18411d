"""Demo sites with /.well-known/tdmrep.json (TDMRep, 10 May 2024)."""

import json
from collections.abc import Iterable

from crawler.demo.answers import Plain, html, json_text
from crawler.demo.site import MINING, RESERVED, SILENT, Site, States, mining, only, site
from crawler.vocab import Purpose, State

LICENSING = "http://licensing.rights-collective.example"
PERMITTED = only(Purpose.TDM, State.PERMITTED)
CONDITIONAL = mining(State.CONDITIONAL)
PARTIAL = mining(State.PARTIAL)

_POLICY_PATH = "/policies/tdm.json"


def rules(*entries: tuple[str, object] | tuple[str, object, str]) -> Plain:
    """Return a tdmrep.json of (location, reservation[, policy]) entries, in their order."""
    members = ("location", "tdm-reservation", "tdm-policy")
    records = [dict(zip(members, entry, strict=False)) for entry in entries]
    return json_text(json.dumps(records, indent=2))


def odrl_policy(uid: str, name: str, mail: str, page: str) -> dict[str, object]:
    """Return a policy that offers a licence for consent and payment (TDMRep, ODRL profile)."""
    return {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"],
        "@type": "Offer",
        "profile": "http://www.w3.org/ns/tdmrep",
        "uid": uid,
        "assigner": {
            "uid": page,
            "vcard:fn": name,
            "vcard:hasEmail": f"mailto:{mail}",
            "vcard:hasAddress": {
                "vcard:street-address": "1 Example Street",
                "vcard:postal-code": "00000",
                "vcard:locality": "Exampleville",
                "vcard:country-name": "Nowhere",
            },
            "vcard:hasTelephone": "tel:+10005550100",
            "vcard:hasURL": page,
        },
        "permission": [
            {
                "target": uid,
                "action": "tdm:mine",
                "duty": [{"action": "obtainConsent"}, {"action": "compensate"}],
            }
        ],
    }


def policy_document(document: dict[str, object]) -> Plain:
    """Return a policy as a response with JSON-LD."""
    return Plain(
        headers=(("Content-Type", "application/ld+json"),), body=json.dumps(document).encode()
    )


RESERVE_ALL = rules(("/", 1))
ZERO = rules(("/", 0))
COLLECTIVE_POLICY = f"{LICENSING}/policies/press.json"
_COLLECTIVE = policy_document(
    odrl_policy(
        COLLECTIVE_POLICY,
        "Example Rights Collective",
        "licences@rights-collective.example",
        f"{LICENSING}/licences",
    )
)
_DIRECTORIES = rules(
    ("/directory-a/", 1),
    ("/directory-b/html/", 1, f"http://directories.demo.test{_POLICY_PATH}"),
    ("/directory-b/images/*.jpg", 0),
)


def _own_policy(host: str) -> Plain:
    return policy_document(
        odrl_policy(
            f"http://{host}{_POLICY_PATH}",
            "Demo Publishing House",
            f"rights@{host}",
            f"http://{host}/licences",
        )
    )


def _with_policy(host: str, about: str, policy: Plain | None, states: States = CONDITIONAL) -> Site:
    """Return a site that reserves everything and names a policy on the same host.

    The policy answers 404 if `policy` is None.
    """
    return site(
        host,
        about,
        states,
        tdmrep=rules(("/", 1, f"http://{host}{_POLICY_PATH}")),
        more={} if policy is None else {_POLICY_PATH: policy},
    )


def _without_effect(
    name: str, about: str, body: str | bytes, malformed: Iterable[Purpose] = MINING
) -> Site:
    """Return a site whose tdmrep.json states nothing; `malformed` are the purposes it may mean."""
    return site(
        f"tdmrep-{name}.demo.test",
        about,
        SILENT,
        tdmrep=json_text(body),
        malformed=frozenset(malformed),
    )


_VALID = (
    site(
        "news-reserved.demo.test",
        "Everything is reserved (T01).",
        RESERVED,
        tdmrep=RESERVE_ALL,
        urls={"/articles/1.html": RESERVED, "/images/1.jpg": RESERVED},
    ),
    site(
        "directories.demo.test",
        "One directory is reserved, one conditionally, images of it are free (T02, T03).",
        PARTIAL,
        tdmrep=_DIRECTORIES,
        more={_POLICY_PATH: _own_policy("directories.demo.test")},
        urls={
            "/directory-a/x.pdf": RESERVED,
            "/directory-b/html/p.html": CONDITIONAL,
            "/directory-b/images/a.jpg": PERMITTED,
            "/directory-b/images/a.png": SILENT,
            "/Directory-A/x.pdf": SILENT,
            "/x": SILENT,
        },
    ),
    site(
        "first-match.demo.test",
        "A general rule before a special one: the first match in sequence decides (T04).",
        RESERVED,
        tdmrep=rules(("/", 1), ("/open/", 0)),
        conflict=frozenset({Purpose.TDM, Purpose.AI_TRAIN, Purpose.GENAI_TRAIN}),
        urls={"/open/x.html": RESERVED, "/articles/1.html": RESERVED},
    ),
    site(
        "exception-first.demo.test",
        "An exception before the general rule (T05).",
        PARTIAL,
        tdmrep=rules(("/open/", 0), ("/", 1)),
        urls={"/open/x.html": PERMITTED, "/articles/1.html": RESERVED},
    ),
    site(
        "open-part.demo.test",
        "A part is permitted and nothing is said of the rest.",
        SILENT,
        tdmrep=rules(("/open/", 0)),
        urls={"/open/x.html": PERMITTED, "/articles/1.html": SILENT},
    ),
    site(
        "permitted.demo.test",
        "Nothing is reserved, explicitly.",
        PERMITTED,
        tdmrep=ZERO,
        urls={"/articles/1.html": PERMITTED},
    ),
)

_INVALID = (
    _without_effect(
        "string",
        'The value is the string "1", not the number (T09).',
        '[{"location": "/", "tdm-reservation": "1"}]',
    ),
    _without_effect(
        "two",
        "The value is 2: only a lenient reading takes it for a reservation (T08).",
        '[{"location": "/", "tdm-reservation": 2}]',
    ),
    _without_effect(
        "object",
        "A single object; the brackets are mandatory (T11).",
        '{"location": "/", "tdm-reservation": 1}',
    ),
    _without_effect(
        "malformed", "A comma too many (T15).", '[{"location": "/", "tdm-reservation": 1},]'
    ),
    _without_effect("empty", "An empty array: read, and nothing in it.", "[]", ()),
    _without_effect(
        "bom",
        "A byte order mark, which JSON may not begin with (T15; RFC 8259, 8.1).",
        b'\xef\xbb\xbf[{"location": "/", "tdm-reservation": 1}]',
    ),
)

_POLICIES = (
    _with_policy(
        "policy.demo.test",
        "Everything is reserved, and a policy names whom to ask (T24).",
        _own_policy("policy.demo.test"),
    ),
    _with_policy(
        "policy-404.demo.test",
        "The policy that is named is not there, which is no error (T25).",
        None,
    ),
    _with_policy(
        "policy-html.demo.test",
        "The policy is a page for humans.",
        html(in_body="<h2>Licences</h2><p>Write to rights@policy-html.demo.test.</p>\n"),
    ),
    _with_policy(
        "policy-anonymous.demo.test",
        "The policy does not say who assigns it (T26).",
        policy_document(
            {
                k: v
                for k, v in odrl_policy("urn:demo:policy", "Nobody", "x@y.test", "").items()
                if k != "assigner"
            }
        ),
    ),
    *(
        site(
            f"press.{name}.example",
            "A publisher that leaves its licences to a collective on another host.",
            CONDITIONAL,
            tdmrep=rules(("/", 1, COLLECTIVE_POLICY)),
        )
        for name in ("a", "b")
    ),
    site(
        "licensing.rights-collective.example",
        "The collective that licenses for others and says nothing of its own pages.",
        SILENT,
        more={"/policies/press.json": _COLLECTIVE, "/licences": html()},
    ),
)

TDMREP_SITES = (*_VALID, *_INVALID, *_POLICIES)
