"""Conditional requests: when one is sent, and the observation that its 304 becomes."""

from crawler.clock import stamp
from crawler.fetch.http.client import ReceivedResponse
from crawler.model import Observation, Target
from crawler.store.stored_responses import StoredResponse
from crawler.vocab import EXTRACTED, Outcome

NOT_MODIFIED = 304


def may_be_confirmed(stored: StoredResponse | None, full_every: float) -> bool:
    """Return whether a stored response is revalidated now, not requested in full.

    A 304 may leave out header fields that are new (RFC 9110, 15.4.5). So a whole response older
    than `full_every` seconds is requested in full, and so is one that is dated later than now:
    its age is not known.
    """
    return stored is not None and stamp(ago=full_every) < stored.whole_at <= stamp()


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
