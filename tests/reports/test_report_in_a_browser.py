"""The report in Chromium: nothing is loaded, axe finds no violation, a phone has no overflow."""

import shutil

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on PATH")
PHONE, DESK = {"width": 390, "height": 840}, {"width": 1100, "height": 900}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        # Without a sandbox, as in containers that run as root; the page is our own.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, demo_output):
    """Open the report of the demo; return the page, and the list of what it says and asks for."""
    contexts = []

    def opening(size, scheme="light", **options):
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        page, noted = context.new_page(), []
        page.on("console", lambda message: noted.append(message.text))
        page.on("pageerror", lambda error: noted.append(str(error)))
        page.on("request", lambda request: noted.append(request.url))
        page.goto((demo_output / "report.html").as_uri())
        return page, noted

    yield opening
    for context in contexts:
        context.close()


def test_opening_it_loads_the_file_alone_and_says_nothing(opened, demo_output):
    page, noted = opened(DESK)
    assert noted == [(demo_output / "report.html").as_uri()]
    assert page.title() == "Text and data mining reservations: dataset.parquet"


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESK), ("dark", DESK), ("light", PHONE)], ids=str
)
def test_axe_finds_no_violation_with_everything_open(opened, scheme, size):
    # The page forbids all scripts, so axe can only be run in spite of its policy.
    page, _ = opened(size, scheme, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = axe.Axe().run(page).response
    assert [(v["id"], v["nodes"][0]["html"][:100]) for v in found["violations"]] == []
    assert len(found["passes"]) > 40


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_page_is_never_wider_than_the_screen(opened, size):
    page, _ = opened(size)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(width) == 0


# Cells that nobody sees: hidden, or outside of the box that they can be scrolled in.
LOST = """() => [...document.querySelectorAll("td, th")].filter(cell => {
    const box = cell.getBoundingClientRect()
    const around = cell.closest(".scroll") ?? document.documentElement
    const right = box.right - around.getBoundingClientRect().left + around.scrollLeft
    const is_blank = !cell.textContent.trim() && !cell.querySelector("[role=img], span")
    const is_repeated = cell.matches(".rt .again th, .rt thead *, .cov thead *")
    return !is_blank && !is_repeated
        && (!box.width || !box.height || right > around.scrollWidth + 1)
}).map(cell => cell.textContent)"""


def test_no_column_is_lost_on_a_phone(opened):
    page, _ = opened(PHONE)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.locator("td, th").count() > 300
    assert page.evaluate(LOST) == []
    why = page.locator(".cov .note", has_text="answered 503")
    assert why.first.is_visible()


def test_paper_has_every_column(opened):
    page, _ = opened({"width": 673, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") == 673
    assert page.locator(".rt thead").is_visible()


def test_print_has_every_figure_and_no_links(opened, tmp_path):
    page, _ = opened(DESK)
    page.emulate_media(media="print")
    for heading in page.locator("h2").all():
        assert heading.is_visible()
    assert not page.locator("nav").is_visible()
    assert page.locator(".bar:visible").count() > 20
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
