"""The pages in Chromium: nothing is loaded from elsewhere, nothing is said, axe is content."""

import shutil

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on PATH")
PHONE, DESK = {"width": 390, "height": 840}, {"width": 1100, "height": 900}
PAGES = {
    "home": "/",
    "view": "/audit/reservations?genai_train=partial",
    "question": "/audit/reserved_in_part?purpose=tdm",
    "sql": "/audit?sql=select+origin,+:a+as+a+from+reservations&a=1",
    "origin": "/-/origin?url=http%3A%2F%2Funanimous.demo.test",
    "search": "/-/search?q=reserve",
}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        # Without a sandbox, as in containers that run as root; the pages are our own.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Return a function that opens a page, and the list of what it says and asks for elsewhere."""
    contexts = []

    def opening(server, size=DESK, scheme="light", **options):
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        page, noted = context.new_page(), []
        page.on("console", lambda message: noted.append(message.text))
        page.on("pageerror", lambda error: noted.append(str(error)))
        page.on(
            "request",
            lambda asked: asked.url.startswith(server.url) or noted.append(asked.url),
        )
        return page, noted

    yield opening
    for context in contexts:
        context.close()


def visit_all(page, server):
    """Yield the names of the pages, each when it is open with all its details."""
    for name, path in PAGES.items():
        page.goto(server.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        yield name
    page.goto(server.url + PAGES["origin"])
    page.locator("table.findings a").first.click()
    assert page.locator("tr.marked").count() == 1
    yield "bytes"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(opened, served, scheme):
    # The pages forbid all scripts, so axe can only be run in spite of their policy.
    page, _ = opened(served, scheme=scheme, bypass_csp=True)
    found = {}
    for name in visit_all(page, served):
        response = axe.Axe().run(page).response
        found[name] = [(v["id"], v["nodes"][0]["html"][:100]) for v in response["violations"]]
        assert len(response["passes"]) > 15
    assert {name: violations for name, violations in found.items() if violations} == {}


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_pages_say_nothing_load_nothing_from_elsewhere_and_fit(opened, served, size):
    page, noted = opened(served, size)
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    wide = {name: page.evaluate(width) for name in visit_all(page, served)}
    assert noted == []
    assert set(wide.values()) == {0}, wide


def test_bars_of_the_first_page_have_their_lengths(opened, served):
    page, _ = opened(served)
    page.goto(served.url)
    widths = page.locator("#states .bar i").evaluate_all("all => all.map(i => i.offsetWidth)")
    assert len(set(widths)) > 5


def test_figures_come_before_questions(opened, served):
    page, _ = opened(served, PHONE)
    page.goto(served.url)
    tops = [
        page.locator(part).bounding_box()["y"] for part in (".headlines", "#answer", "#questions")
    ]
    assert tops == sorted(tops)


def test_texts_of_strangers_do_nothing(opened, hostile):
    page, noted = opened(hostile)
    page.on("dialog", lambda dialog: noted.append(dialog.message))
    for path in ("/", "/audit/statements", "/-/origin?about=origin&url=https%3A%2F%2Fhostile.test"):
        page.goto(hostile.url + path)
    page.locator("table a").first.click()
    assert noted == []


def test_the_way_from_a_number_to_the_bytes(opened, served):
    page, _ = opened(served)
    page.goto(served.url)
    page.get_by_role("link", name="Which origins reserve the training").click()
    page.locator("td a.origin").first.click()
    page.locator("table.findings a").first.click()
    assert page.locator("h1").inner_text() in ("Bytes kept", "Extract of a page")
    assert page.locator("tr.marked").count() >= 1


def test_a_filter_and_a_query_are_asked_by_forms(opened, served):
    page, _ = opened(served)
    page.goto(f"{served.url}/audit/reservations")
    page.get_by_label("Column", exact=True).select_option("genai_train")
    page.get_by_label("Value", exact=True).fill("partial")
    page.get_by_role("button", name="Apply").click()
    assert "genai_train__exact=partial" in page.url or "genai_train=partial" in page.url
    page.goto(f"{served.url}/#sql")
    page.locator("textarea").fill("SELECT 41 + 1 AS answer")
    page.get_by_role("button", name="Run").click()
    assert page.locator("tbody td").inner_text() == "42"
