"""Who speaks to a question, and what should have been seen and was not."""

from collections.abc import Iterator
from dataclasses import replace

from crawler.evaluate.precedence import settled
from crawler.evaluate.records import Heard, Hearing, Sight, is_of_page, is_sampled
from crawler.model import Question, Voice
from crawler.protocols.prose import patterns
from crawler.protocols.rsl import rsl_robots
from crawler.vocab import CONTENT, CONTEXT, Presence, Resource

#: What settles nothing when it cannot be read: a TDM policy only states the terms of what is
#: reserved elsewhere (TDMRep, 'tdm-policy property'), and another host's robots.txt our manners.
#: Everything else that was planned must be seen before nothing said may be called silence.
_UNESSENTIAL = frozenset({Resource.TDM_POLICY, Resource.OTHER_ROBOTS_TXT}) | CONTEXT


def hear(sights: tuple[Sight, ...], question: Question) -> Hearing:
    """Every statement that speaks to the question, after each protocol's own precedence."""
    found = [
        Heard(protocol=protocol, reading=key, sight=sight, voice=voice)
        for sight in sights
        for protocol, key, reading in sight.readings
        if reading.statements or reading.rules is not None
        for voice in _addressed(protocol.voices(reading, question), sight, sights, question)
    ]
    found = [h for h in found if _speaks(h, question, sights)]
    unseen = _missing(sights, question)
    return Hearing(
        heard=tuple(settled(found, question)),
        prose=tuple(_prose(sights, question)),
        unseen=unseen,
        complete=bool(sights) and not unseen,
        pages=sum(s.resource in CONTENT and s.presence is Presence.PRESENT for s in sights),
    )


def _prose(sights: tuple[Sight, ...], question: Question) -> Iterator[Heard]:
    """Candidates as statements that reserve; one in the foot of a page is about that page."""
    for sight in sights:
        for protocol, key, reading in sight.readings:
            for n, candidate in enumerate(reading.candidates, start=1):
                if candidate.strength != patterns.CANDIDATE:
                    continue
                own = candidate.location != "page" or sight.path == question.path
                statement = patterns.as_statement(candidate)
                voice = Voice(statement=statement, part="" if own else "pages")
                heard = Heard(protocol=protocol, reading=key, sight=sight, voice=voice, candidate=n)
                if own or _speaks(heard, question, sights):
                    yield heard


def _addressed(
    voices: tuple[Voice, ...], sight: Sight, sights: tuple[Sight, ...], question: Question
) -> Iterator[Voice]:
    """The voices of a document as said to those it is for: bytes do not tell who is meant."""
    for token in _audience(sight, sights, question):
        for voice in voices:
            if token == "*":
                yield voice
            else:
                yield Voice(statement=replace(voice.statement, agent=token), part="agents")


def _audience(sight: Sight, sights: tuple[Sight, ...], question: Question) -> tuple[str, ...]:
    """Whom a licence document speaks to (RSL 1.0, robots.txt); every other one to everybody."""
    if sight.resource is not Resource.RSL_LICENSE:
        return rsl_robots.EVERYBODY
    carriers = (
        (other.url, reading)
        for other in sights
        for protocol, _key, reading in other.readings
        if protocol.FAMILY == rsl_robots.FAMILY
    )
    return rsl_robots.audience_of(sight.path, carriers, question.agent)


def _speaks(heard: Heard, question: Question, sights: tuple[Sight, ...]) -> bool:
    """Statements of other pages say nothing about a page that was seen itself."""
    if not is_of_page(heard) or question.path is None or heard.sight.path == question.path:
        return True
    return not is_sampled(sights, question.path)


def _is_unseen(sight: Sight) -> bool:
    """Whether evidence is missing: no answer, or one that a protocol could not look into."""
    if sight.presence is Presence.UNSEEN:
        return True
    return any(reading.presence is Presence.UNSEEN for _, _, reading in sight.readings)


def _missing(sights: tuple[Sight, ...], question: Question) -> tuple[Sight, ...]:
    """Planned resources without evidence; of the pages only the one asked about, if sampled."""
    own = question.path is not None and is_sampled(sights, question.path)
    return tuple(
        s
        for s in sights
        if _is_unseen(s)
        and s.resource not in _UNESSENTIAL
        and not (own and s.resource in CONTENT and s.path != question.path)
        and _audience(s, sights, question)
    )
