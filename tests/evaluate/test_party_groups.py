"""Which sites belong together, by what, and that nobody changes the group of others by writing."""

from hypothesis import given
from hypothesis import strategies as st

from crawler.evaluate.party_groups import LowMember, Member, NamedParty, groups_of


def groups(*parties: NamedParty, confirmed=()) -> list[tuple[set[str], str | None]]:
    """The sites of each group of several sites, with the weakest confidence of its links."""
    found: dict[str, list[Member]] = {}
    for member in groups_of(parties, confirmed).members:
        found.setdefault(member.group, []).append(member)
    return sorted(
        (
            {m.site for m in members},
            max((m.confidence or "" for m in members), default=""),
        )
        for members in found.values()
        if len(members) > 1
    )


def low_groups(*parties: NamedParty) -> list[tuple[str, set[str]]]:
    """What is equal in each low group, with its sites."""
    found: dict[str, list[LowMember]] = {}
    for member in groups_of(parties, []).low_members:
        found.setdefault(member.low_group, []).append(member)
    return sorted((min(m.link for m in ms), {m.site for m in ms}) for ms in found.values())


def party(site: str, name: str = "acme", **more: object) -> NamedParty:
    return NamedParty(site=site, name=name, **more)


def refers(*sites: str) -> dict[str, frozenset[str]]:
    return {"refers_to": frozenset(sites)}


ALONE = "; no other side confirms it"
AGENCY = ("list of X 1",)
URL = "https://x.example/#org"


def test_an_identifier_that_a_site_can_copy_joins_nobody():
    for more in ({"identifiers": ("lei:X",)}, {"uid": URL}):
        pair = [party(s, **more) for s in "ab"]
        assert groups(*pair) == []
        assert [m.confidence for m in groups_of(pair, []).members] == [None, None]
    bare = [party(s, "", uid=URL) for s in "ab"]
    assert groups(*bare) == []
    assert low_groups(*bare) == [(f"identifier {URL}{ALONE}", {"a", "b"})]


def test_a_register_joins_sites_that_refer_to_each_other_whatever_the_names_are():
    one = party("a", "aA", identifiers=("lei:X",), **refers("b", "z"))
    other = party("b", "bB", identifiers=("lei:X",), **refers("a"))
    copy = party("c", "cC", identifiers=("lei:X",), **refers("a", "b"))
    assert groups(one, other, copy) == [({"a", "b"}, "high")]
    assert groups(one, other._replace(refers_to=frozenset()), copy) == []
    link = groups_of([one, other, copy], []).members[0].link
    assert link == "identifier lei:X, both sites refer to each other"


def test_a_register_and_a_list_that_gives_it_to_both_join():
    pair = [party(s, s, identifiers=("lei:X",), vouched=AGENCY) for s in "ab"]
    copies = [
        party("c", "c", identifiers=("lei:X",)), party("c", "c", vouched=AGENCY)
    ]  # fmt: skip
    # The list does not give the identifier to the third, although it is in the list.
    assert groups(*pair, *copies) == [({"a", "b"}, "high")]


def test_an_identifier_by_url_needs_an_equal_name():
    urls = [party(s, n, uid=URL, vouched=AGENCY) for s, n in ("aA", "bA", "cB")]
    assert groups(*urls) == [({"a", "b"}, "high")]


def test_an_identifier_that_is_a_place_joins_nobody():
    places = [party(s, uid="x.example", links_by_uid=False) for s in "ab"]
    assert groups(*places) == []
    bare = [party(s, "", uid="x.example", links_by_uid=False, vouched=AGENCY) for s in "ab"]
    assert groups(*bare) == []
    assert low_groups(*bare) == []


def test_a_name_alone_makes_a_low_group_and_joins_nobody():
    assert groups(party("a"), party("b")) == []
    found = groups_of([party("a"), party("b")], [])
    assert [m.confidence for m in found.members] == [None, None]
    own = {m.site: m.group for m in found.members}
    (low_group,) = {m.low_group for m in found.low_members}
    assert low_group not in own.values()
    assert {m.site: m.group for m in found.low_members} == own
    assert low_groups(party("a"), party("b")) == [(f"name acme{ALONE}", {"a", "b"})]
    assert low_groups(party("a")) == low_groups(party("a"), party("b", "other")) == []


def test_a_name_and_a_second_link_that_can_be_copied_are_a_low_group_with_the_link():
    pair = [party(s, marks=("mailbox x", "page y")) for s in "ab"]
    assert groups(*pair) == []
    assert [sites for _, sites in low_groups(*pair, party("c"))] == [{"a", "b", "c"}]
    by_site = {m.site: m.link for m in groups_of([*pair, party("c")], []).low_members}
    assert by_site["a"] == by_site["b"] == f"name acme, mailbox x{ALONE}"
    assert by_site["c"] == f"name acme{ALONE}"
    # A mark without a name is none.
    bare = [NamedParty(s, "", s, marks=("m",)) for s in "ab"]
    assert low_groups(*bare) == []


def test_a_name_and_a_second_link_that_somebody_else_gives_join():
    pair = [party(s, vouched=AGENCY) for s in "ab"]
    assert groups(*pair, party("c", "else", vouched=AGENCY)) == [({"a", "b"}, "medium")]
    assert low_groups(*pair) == []
    # The low group keeps the third apart from both.
    assert low_groups(*pair, party("c")) == [(f"name acme{ALONE}", {"a", "b", "c"})]
    each_other = [party("a", **refers("b")), party("b", **refers("a"))]
    assert groups(*each_other) == [({"a", "b"}, "medium")]
    assert groups(party("a", **refers("b")), party("b")) == []


def test_statements_of_both_sites_join():
    pair = (("a", "acme"), ("b", "parent"))
    found = groups_of([party("a"), party("b", "parent")], [pair]).members
    assert {m.link for m in found} == {"statements of both sites"}
    assert len({m.group for m in found}) == 1


def test_the_strongest_link_of_a_member_is_shown():
    parties = [party(s, vouched=AGENCY, identifiers=("lei:X",)) for s in "ab"]
    parties.append(party("c", vouched=AGENCY))
    found = {m.site: (m.confidence, m.link) for m in groups_of(parties, []).members}
    assert found["a"] == found["b"] == ("high", "identifier lei:X, list of X 1")
    assert found["c"] == ("medium", "name acme, list of X 1")


def test_names_of_one_identifier_on_a_site_are_one_party():
    names = [party("a", n, uid="https://a.example/#o") for n in ("acme", "acme news")]
    found = groups_of(names, []).members
    assert len({m.group for m in found}) == 1
    assert [m.confidence for m in found] == [None, None]


def test_ten_thousand_names_and_the_name_of_another_change_no_other_group():
    honest = [party(s, identifiers=("lei:X",), vouched=AGENCY) for s in ("a", "b")]
    honest.append(party("d", "else"))
    before = groups_of(honest, []).members
    hostile = [party("0-evil", identifiers=("lei:X",)), party("0-evil", "else")]
    hostile += [party("0-evil", f"name {n}") for n in range(10_000)]
    after = [m for m in groups_of([*honest, *hostile], []).members if m.site != "0-evil"]
    assert after == before


def parties_of(sites: str, vouched) -> st.SearchStrategy[list[NamedParty]]:
    return st.lists(
        st.builds(
            NamedParty,
            site=st.sampled_from(sites),
            name=st.sampled_from(["", "x", "y"]),
            uid=st.sampled_from(["", "u", "v"]),
            identifiers=st.sampled_from([(), ("lei:1",), ("lei:1", "lei:2")]),
            marks=st.sampled_from([(), ("m",), ("m", "n")]),
            vouched=vouched,
            refers_to=st.frozensets(st.sampled_from("abcd"), max_size=4),
        ).filter(lambda p: p.name or p.uid),
        max_size=12,
    )


PARTIES = parties_of("abcd", st.sampled_from([(), (), ("list 1",), ("list 1", "certificate")]))


@given(PARTIES, st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(parties, random):
    shuffled = list(parties)
    random.shuffle(shuffled)
    found = groups_of(parties, [])
    assert groups_of(shuffled, []) == found
    assert {(m.site, m.party) for m in found.members} == {p.key for p in parties}


# What an adversary can write: anything, but for what others give.
HOSTILE = parties_of("e", st.just(()))


@given(PARTIES, HOSTILE)
def test_whatever_a_site_writes_changes_no_group_of_others(honest, hostile):
    before, after = groups_of(honest, []), groups_of([*honest, *hostile], [])
    assert [m for m in after.members if m.site != "e"] == before.members
    # In a low group everybody is who writes the name; the others stay in it, with their groups.
    others = {m[:4] for m in after.low_members if m.site != "e"}
    assert {m[:4] for m in before.low_members} <= others
    groups_by_low = {m.low_group for m in after.low_members if m.site == "e"}
    assert all(m[0] in groups_by_low for m in others - {m[:4] for m in before.low_members})


@given(PARTIES)
def test_a_low_group_holds_several_groups_and_all_that_write_the_same(parties):
    found = groups_of(parties, [])
    group_by_key = {(m.site, m.party): m.group for m in found.members}
    by_low: dict[str, list[LowMember]] = {}
    for member in found.low_members:
        assert group_by_key[member.site, member.party] == member.group
        by_low.setdefault(member.low_group, []).append(member)
    for members in by_low.values():
        assert len({m.group for m in members}) > 1
        assert len({m.site for m in members}) > 1
    assert not by_low.keys() & set(group_by_key.values())
