"""The pages of an audit in parts in Chromium: they fit, load nothing from elsewhere, and say where
rows are that they do not have.
"""

import pytest

from tests.audit_in_parts.test_serve_folder import LEFT_OUT, audit, cache, large
from tests.serve.test_served_in_a_browser import DESK, PHONE, axe, browser, opened
from tests.serve.test_served_in_a_browser import pytestmark as pytestmark

__all__ = ["audit", "browser", "cache", "large", "opened"]

PAGES = {
    "home": "/",
    "view": "/audit/reservations",
    "left out": "/audit/findings",
    "question about the whole": "/audit/not_seen",
    "question about an origin": "/audit/answers_of_origin?origin=http://h01.test",
    "sql": "/audit?sql=select+*+from+findings",
    "origin": "/-/origin?url=http://h01.test&about=origin&agent=GPTBoot",
    "search": "/-/search?q=location",
}


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_pages_fit_and_say_and_load_nothing(opened, large, size):
    page, noted = opened(large, size)
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    wide = {}
    for name, path in PAGES.items():
        page.goto(large.url + path)
        wide[name] = page.evaluate(width)
    assert set(wide.values()) == {0}, wide
    # Chromium notes each answer that is an error, which it is for SQL over what was not copied.
    assert all("the server responded with a status of 40" in text for text in noted), noted


def test_axe_finds_no_violation(opened, large):
    page, _ = opened(large, bypass_csp=True)
    found = {}
    for name, path in PAGES.items():
        page.goto(large.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        response = axe.Axe().run(page).response
        found[name] = [(v["id"], v["nodes"][0]["html"][:100]) for v in response["violations"]]
        assert len(response["passes"]) > 10
    assert {name: violations for name, violations in found.items() if violations} == {}


def test_the_way_from_a_view_that_was_left_out_to_the_bytes(opened, large):
    page, _ = opened(large)
    page.goto(large.url)
    page.get_by_role("link", name="findings", exact=True).click()
    assert LEFT_OUT in page.locator(".message").inner_text()
    page.get_by_role("link", name="Since when does each reserving origin").click()
    page.locator("td a.origin").first.click()
    page.locator("table.findings a").first.click()
    assert page.locator("h1").inner_text() in ("Bytes kept", "Extract of a page")
    assert page.locator("tr.marked").count() >= 1


def test_the_agent_that_is_meant_is_one_click_away(opened, large):
    page, _ = opened(large)
    page.goto(large.url + PAGES["origin"])
    assert "is GPTBot meant?" in page.locator(".message").inner_text()
    page.locator(".message a").click()
    assert page.locator(".message").count() == 0
    assert page.get_by_label("Agent; empty is every agent").input_value() == "GPTBot"
