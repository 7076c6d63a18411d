"""What a 304 means: the answer that was stored before, if it was asked about."""

from crawler.fetch.http.client import ReceivedResponse
from crawler.model import Observation, Target
from crawler.store.stored_responses import StoredResponse
from crawler.vocab import EXTRACTED, Outcome

NOT_MODIFIED = 304


def not_modified(
    target: Target, received: ReceivedResponse, known: StoredResponse | None
) -> Observation:
    """The observation of a 304, with the bytes that it confirms.

    Nobody who was not asked can confirm anything (RFC 9110, 15.4.5), so then nothing was seen.
    """
    content = known.content() if known else None
    if known is None or content is None:
        note = "answered 304 to a question without conditions"
        return Observation(target=target, outcome=Outcome.BROKEN, note=note)
    extracted = target.resource in EXTRACTED
    return Observation(
        target=target,
        outcome=Outcome.RESPONDED,
        status=received.status,
        headers=received.fields,
        body=b"" if extracted else content,
        extract=content if extracted else b"",
        note=received.note,
        confirms=known.confirms,
    )
