"""Link headers: which of them name an RSL document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Question
from crawler.protocols.rsl import rsl_link

A, B = "https://a.example/l.xml", "https://b.example/l.xml"
TYPE = 'type="application/rsl+xml"'


def read(*values: str):
    lines = "".join(f"Link: {value}\r\n" for value in values)
    return rsl_link.parse(Document(body=lines.encode("utf-8", "replace")))


def summary(reading):
    codes = [issue.code.removeprefix("rsl.") for issue in reading.issues]
    return reading.presence.value, reading.names, codes


NOTHING = ("absent", (), [])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([f'<{A}>; rel="license"; {TYPE}'], ("present", (A,), []), id="as written"),
        pytest.param(
            [f"<{A}> ;type=Application/RSL+XML;REL=license"], ("present", (A,), []), id="unquoted"
        ),
        pytest.param([f'<{A}>; rel="me license"; {TYPE}'], ("present", (A,), []), id="relations"),
        pytest.param(
            [f'<{A}>; rel="license"; type="application/rsl+xml;charset=utf-8"'],
            ("present", (A,), []),
            id="type with a parameter",
        ),
        pytest.param(
            [f'</x>; rel="next", <{A}>; rel=license; {TYPE}, <{B}>; rel=license; {TYPE}'],
            ("present", (A, B), []),
            id="several in a field",
        ),
        pytest.param(
            [f"<{A}>; rel=license; {TYPE}", f"<{A}>; rel=license; {TYPE}"],
            ("present", (A,), []),
            id="the same in two fields",
        ),
        pytest.param(
            [f'<{A}>; title="a, <b>; \\"c\\""; rel=license; {TYPE}'],
            ("present", (A,), []),
            id="a quoted comma",
        ),
        pytest.param([f'<{A}>; rel="license"; rel=x; {TYPE}'], ("present", (A,), []), id="first"),
        pytest.param(['<https://creativecommons.org/x>; rel="license"'], NOTHING, id="L09"),
        pytest.param([f"<{A}>; rel=alternate; {TYPE}"], NOTHING, id="another relation"),
        pytest.param([f"{A}; rel=license; {TYPE}"], NOTHING, id="no brackets"),
        pytest.param(
            [f"</l.xml>; rel=license; {TYPE}"],
            ("malformed", (), ["license.not_absolute"]),
            id="L06",
        ),
        pytest.param([""], NOTHING, id="empty"),
    ],
)
def test_links(values, expected):
    reading = read(*values)
    assert summary(reading) == expected
    assert (reading.statements, rsl_link.statements_for(reading, Question())) == ((), ())


@given(
    st.lists(
        st.sampled_from(["<", ">", ";", ",", "=", '"', "\\", "rel=license", TYPE, A, " ", "é"]),
        max_size=25,
    )
)
def test_any_bytes_give_a_reading(pieces):
    reading = read("".join(pieces))
    assert set(reading.names) <= {A} or all("://" in name for name in reading.names)


def test_a_long_field_is_read_in_linear_time():
    assert summary(read("<x>" + "; a" * 100_000 + '; "')) == NOTHING


@pytest.mark.parametrize("status", [None, 401, 403, 404, 451, 500])
def test_a_link_states_nothing_on_other_answers(status):
    body = f"Link: <{A}>; rel=license; {TYPE}\r\n".encode()
    assert rsl_link.parse(Document(body=body, status=status)).statements == ()


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        pytest.param(f"<{A}>; rel=license; {TYPE}", A, id="D2 a licence"),
        pytest.param(
            f"</x>; rel=license; {TYPE}, <{B}>; rel=license; {TYPE}", B, id="D2 the usable one"
        ),
        pytest.param(f"</x>; rel=license; {TYPE}", None, id="D2 none that can be asked for"),
        pytest.param(f"<{A}>; rel=license", None, id="D2 L09"),
        pytest.param(f"<{A}>; rel=next; {TYPE}", None, id="D2 another relation"),
    ],
)
def test_an_answer_402_with_a_licence_is_an_offer(value, policy):
    reading = rsl_link.parse(Document(body=f"Link: {value}\r\n".encode(), status=402))
    applied = rsl_link.statements_for(reading, Question(path="/x"))
    assert [(a.statement.purpose, a.statement.stance, a.statement.policy) for a in applied] == [
        (purpose, "conditional", policy)
        for purpose in ("tdm", "ai_train", "ai_input", "search")
        if policy
    ]
    assert {a.statement.tier for a in applied} <= {4}
