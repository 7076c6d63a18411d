"""Which sites belong together, by what, and that nobody changes the group of others by a name."""

from hypothesis import given
from hypothesis import strategies as st

from crawler.evaluate.party_groups import Member, NamedParty, groups_of


def groups(*parties: NamedParty, confirmed=()) -> list[tuple[set[str], str | None]]:
    """The sites of each group of several sites, with the weakest confidence of its links."""
    found: dict[str, list[Member]] = {}
    for member in groups_of(parties, confirmed):
        found.setdefault(member.group, []).append(member)
    return sorted(
        (
            {m.site for m in members},
            max((m.confidence or "" for m in members), default=""),
        )
        for members in found.values()
        if len(members) > 1
    )


def party(site: str, name: str = "acme", **more: object) -> NamedParty:
    return NamedParty(site=site, name=name, **more)


def test_a_register_joins_whatever_the_names_are():
    one, other = (party(s, n, identifiers=("lei:X",)) for s, n in ("aA", "bB"))
    assert groups(one, other) == [({"a", "b"}, "high")]


def test_an_identifier_by_url_needs_an_equal_name():
    urls = [party(s, n, uid="https://x.example/#org") for s, n in ("aA", "bA", "cB")]
    assert groups(*urls) == [({"a", "b"}, "high")]
    assert groups(*(party(s, "", uid="https://x.example/#org") for s in "ab")) == [
        ({"a", "b"}, "high")
    ]


def test_an_identifier_that_is_a_place_joins_nobody():
    assert groups(*(party(s, uid="x.example", links_by_uid=False) for s in "ab")) == []


def test_a_name_alone_joins_nobody():
    assert groups(party("a"), party("b")) == []
    assert [m.confidence for m in groups_of([party("a"), party("b")], [])] == [None, None]


def test_a_name_and_a_second_link_join():
    assert groups(*(party(s, marks=("mailbox x",)) for s in "ab")) == [({"a", "b"}, "medium")]
    other = party("c", "else", marks=("mailbox x",))
    assert groups(party("a", marks=("mailbox x",)), other) == []
    assert (
        groups(NamedParty("a", "", "u", marks=("m",)), NamedParty("b", "", "v", marks=("m",))) == []
    )


def test_statements_of_both_sites_join():
    pair = (("a", "acme"), ("b", "parent"))
    found = groups_of([party("a"), party("b", "parent")], [pair])
    assert {m.link for m in found} == {"statements of both sites"}
    assert len({m.group for m in found}) == 1


def test_the_strongest_link_of_a_member_is_shown():
    parties = [party(s, marks=("m",), identifiers=("lei:X",)) for s in "ab"]
    parties.append(party("c", marks=("m",)))
    found = {m.site: (m.confidence, m.link) for m in groups_of(parties, [])}
    assert found["a"] == found["b"] == ("high", "identifier lei:X")
    assert found["c"] == ("medium", "name acme, m")


def test_names_of_one_identifier_on_a_site_are_one_party():
    names = [party("a", n, uid="https://a.example/#o") for n in ("acme", "acme news")]
    assert len({m.group for m in groups_of(names, [])}) == 1
    assert [m.confidence for m in groups_of(names, [])] == [None, None]


def test_ten_thousand_names_and_the_name_of_another_change_no_other_group():
    honest = [party(s, identifiers=("lei:X",)) for s in ("a", "b")] + [party("d", "else")]
    before = groups_of(honest, [])
    hostile = [party("0-evil"), party("0-evil", "else")]
    hostile += [party("0-evil", f"name {n}") for n in range(10_000)]
    after = [m for m in groups_of([*honest, *hostile], []) if m.site != "0-evil"]
    assert after == before


PARTIES = st.lists(
    st.builds(
        NamedParty,
        site=st.sampled_from("abcd"),
        name=st.sampled_from(["", "x", "y"]),
        uid=st.sampled_from(["", "u", "v"]),
        identifiers=st.sampled_from([(), ("lei:1",), ("lei:1", "lei:2")]),
        marks=st.sampled_from([(), ("m",), ("m", "n")]),
    ).filter(lambda p: p.name or p.uid),
    max_size=12,
)


@given(PARTIES, st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(parties, random):
    shuffled = list(parties)
    random.shuffle(shuffled)
    members = groups_of(parties, [])
    assert groups_of(shuffled, []) == members
    assert {(m.site, m.party) for m in members} == {p.key for p in parties}
