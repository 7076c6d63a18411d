"""Whatever is erased of the evidence, no origin and no URL becomes free by it."""

import json
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import page, rulesets
from crawler.evaluate.current_answers import WITHHELD, ObservationRow
from crawler.evaluate.evaluator import evaluate
from crawler.evaluate.snapshot import EXPECTED, SnapshotReader
from crawler.model import Question
from crawler.protocols.parse import REFUSED_BY_RULE
from crawler.store.redaction_targets import OWN_URLS
from crawler.vocab import CONTENT, Outcome, Resource, State
from tests.strategies import AI_TXT, HEADERS, ROBOTS, TDMREP, UNTIMED

RULES = [rulesets.load(name) for name in ("signals", "strict", "inclusive")]
FREE = {State.PERMITTED, State.SILENT}
HOST = "https://h.example"
PAGES = ("/a", "/b.jpg", "/news")
QUESTIONS = [
    *(Question(path=path) for path in (None, "/a", "/b.jpg", "/other", "/")),
    Question(agent="GPTBot"),
]
POLICY = '{"@type": "Offer", "permission": [{"action": "tdm:mine"}]}'


@dataclass(frozen=True)
class Seen:
    """One observation: its row, and the bytes that are stored of it."""

    row: ObservationRow
    content: bytes | None


def seen(run, resource, url, status, body="", fields=(), hop=0, note="", asked=""):
    content = None
    if status:
        content = page.extract(body.encode()) if resource in CONTENT else body.encode()
    row = ObservationRow(
        key=0,
        run=run,
        stored=f"{len(body)}-{hash(body)}-{resource}" if content else None,
        resource=resource.value,
        asked=asked or url,
        hop=hop,
        url=url,
        outcome=(Outcome.WITHHELD if note else Outcome.RESPONDED if status else Outcome.TIMED_OUT),
        status=status,
        headers=json.dumps([("Content-Type", "text/plain"), *fields]),
        truncated=0,
        observed_at=f"2026-01-{run:02}T00:00:00.000Z",
        note=note,
        confirmed=None,
    )
    return Seen(row._replace(outcome=row.outcome.value), content)


# Most hosts have few files, and few fail: else hardly an origin would be free.
STATUSES = st.sampled_from((*[404] * 8, *[200] * 4, 503, None))
FIELDS = st.one_of(st.just([]), st.just([]), st.just([]), HEADERS)
BODIES = {
    Resource.ROBOTS_TXT: ROBOTS,
    Resource.AI_TXT: AI_TXT,
    Resource.TDMREP_JSON: TDMREP,
}
HTML = st.sampled_from(
    (
        "<head></head>",
        "<head></head>",
        '<head><meta name="robots" content="noai"></head>',
        '<head><meta name="tdm-reservation" content="1"></head>',
        '<head><meta name="tdm-reservation" content="0"></head>',
    )
)


@st.composite
def runs(draw):
    """Draw one to three visits: files, pages behind redirects, policies, failures, refusals."""
    found = []
    for run in range(1, 1 + draw(st.integers(1, 3))):
        for resource, path in EXPECTED.items():
            status = draw(STATUSES)
            body = draw(BODIES.get(resource, HTML)) if status == 200 else ""
            found.append(seen(run, resource, HOST + path, status, body, draw(FIELDS)))
        for path in draw(st.lists(st.sampled_from(PAGES), unique=True, max_size=2)):
            asked, to = HOST + path, f"{HOST}/to{path}"
            if draw(st.integers(0, 5)) == 0:
                note = draw(st.sampled_from(("host paused", f"line 2 {REFUSED_BY_RULE} us")))
                found.append(seen(run, Resource.PAGE, asked, None, note=note))
                continue
            hop = int(draw(st.booleans()))
            if hop:
                found.append(seen(run, Resource.PAGE, asked, 302, "", draw(FIELDS)))
            status, body = draw(STATUSES), draw(HTML)
            url = to if hop else asked
            found.append(
                seen(run, Resource.PAGE, url, status, body, draw(FIELDS), hop, asked=asked)
            )
        if draw(st.booleans()):
            where = f"{HOST}/policy.json"
            found.append(seen(run, Resource.TDM_POLICY, where, draw(STATUSES), POLICY))
    return [replace(s, row=s.row._replace(key=n)) for n, s in enumerate(found, start=1)]


def withheld(row, numbers):
    """Return a row as `store.withholding` leaves it."""

    def erased(url):
        if Resource(row.resource) not in OWN_URLS and url == row.asked:
            return url
        return f"{HOST}/withheld-by-redaction-1/{numbers.setdefault(url, len(numbers))}"

    note = REFUSED_BY_RULE if REFUSED_BY_RULE in row.note else ""
    return row._replace(asked=erased(row.asked), url=erased(row.url), headers=WITHHELD, note=note)


def states(found, rows, digests):
    """Return the state of each question, purpose and rule set, and those of today's history."""
    contents = {s.row.stored: s.content for s in found if s.row.stored not in digests}
    reader = SnapshotReader(lambda _origin: rows, contents.get, lambda digest: digest in digests)
    snapshot = reader.load(1)
    return {
        (n, rules.id, finding.purpose): finding.state
        for n, question in enumerate(QUESTIONS)
        for rules in RULES
        for finding in evaluate(snapshot.resources, question, rules)
    }


def is_among(row, chains):
    if Resource(row.resource) in OWN_URLS:
        return (row.resource, row.asked) in {chain[1:] for chain in chains}
    return (row.run, row.resource, row.asked) in chains


@given(runs(), st.data())
@settings(UNTIMED, max_examples=80)
def test_nothing_becomes_free_by_what_is_erased(found, data):
    rows = [s.row for s in found]
    before = states(found, rows, set())
    # A chain of redirects is withheld whole, and a page in all runs.
    chains = sorted({(row.run, row.resource, row.asked) for row in rows})
    last = max(row.run for row in rows)
    stored = sorted({row.stored for row in rows if row.stored})
    everything = [({chain for chain in chains if chain[0] == last}, set()), (set(), set(stored))]
    some = data.draw(st.sets(st.sampled_from(chains), max_size=4))
    digests = data.draw(st.sets(st.sampled_from(stored), max_size=3)) if stored else set()
    for erased_rows, erased in (*everything, (some, set()), (some, digests)):
        numbers = {}
        left = [withheld(row, numbers) if is_among(row, erased_rows) else row for row in rows]
        after = states(found, left, erased)
        freed = {key for key, state in after.items() if state in FREE and before[key] not in FREE}
        assert freed == set()
