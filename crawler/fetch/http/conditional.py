"""Conditional requests: turn a 304 into an observation with the body it revalidates."""

from crawler.fetch.http.client import ReceivedResponse
from crawler.model import Observation, Target
from crawler.store.stored_responses import StoredResponse
from crawler.vocab import EXTRACTED, Outcome

NOT_MODIFIED = 304


def not_modified(
    target: Target, received: ReceivedResponse, stored: StoredResponse | None
) -> Observation:
    """Return the observation of a 304: the stored body under the header fields received.

    `stored` is the response that the request named in its conditions, None if it had none.
    A 304 to a request without conditions revalidates nothing (RFC 9110, 15.4.5): it is `broken`.
    """
    content = stored.content() if stored else None
    if stored is None or content is None:
        note = "answered 304 to a question without conditions"
        return Observation(target=target, outcome=Outcome.BROKEN, note=note)
    is_extract = target.resource in EXTRACTED
    return Observation(
        target=target,
        outcome=Outcome.RESPONDED,
        status=received.status,
        headers=received.fields,
        body=b"" if is_extract else content,
        extract=content if is_extract else b"",
        note=received.note,
        confirms=stored.confirms,
    )
