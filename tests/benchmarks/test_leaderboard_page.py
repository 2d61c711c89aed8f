"""The leaderboard's page: what it holds, and what headless Chromium makes of it."""

import json
import re

import pytest

from benchmarks.leaderboard import read_leaderboard
from benchmarks.page import draw_page

PHONE_PX, DESK_PX = 390, 1280
ORDER = ["near", "lone", "far:small+x"]


@pytest.fixture
def page(toy_report):
    return toy_report / "index.html"


# ------------------------------------------------------------------------------------------------ the text


def test_it_holds_all_and_asks_for_nothing_from_outside(page):
    text = page.read_text()
    assert "default-src 'none'" in text
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    for words in (
        "Digits in the *dark*",
        "Who is darker.",
        "Anything of models.",
        "genbench bench run toy --out runs/toy",
        "Commit: abc",
        "Date: 2026-11-22",
        "One seed of lone",
        "near is better than lone and far:small+x",
        "killed by signal 9 | out of memory?",
    ):
        assert words in text, words


def test_the_matrix_says_who_beats_whom(page):
    text = page.read_text()
    table = text[text.index('<table class="matrix"') :].partition("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\"[^>]*>(.*?)</th>(.*?)</tr>", table)
    signs = {name: re.sub(r"<td></td>", "-", cells) for name, cells in rows}
    assert {name: "".join(re.findall(r"[▲▼·-](?=<|$)", cells)) for name, cells in signs.items()} == {
        "near": "-▲▲",
        "lone": "▼-▲",
        "far:small+x": "▼▼-",
    }


def test_names_and_reasons_cannot_become_markup(toy_report):
    evil = '"><script>alert(1)</script>'
    board = read_leaderboard(toy_report)
    records = {job: one.model_copy(update={"error": evil, "command": evil}) for job, one in board.records.items()}
    pictures = {file.name: file.read_bytes() for file in toy_report.glob("*.png")}
    text = draw_page(type(board)(board.comparison, records), pictures)
    assert evil not in text
    assert "&lt;script&gt;" in text


# ------------------------------------------------------------------------------------------------ in a browser


def names(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('.board tbody th')].map(th => th.textContent.trim())"
    )


def press(browser, column):
    """Press Enter on a header; return its aria-sort and the contestants in their new order."""
    from selenium.webdriver.common.keys import Keys

    head = browser.find_elements("css selector", ".board thead th")[column]
    head.find_element("tag name", "button").send_keys(Keys.ENTER)
    return head.get_attribute("aria-sort"), names(browser)


def test_it_loads_from_one_file_without_a_word(browser, page):
    browser.get_log("performance")
    browser.get(page.as_uri())
    sizes = browser.execute_script("return [...document.images].map(image => [image.complete, image.naturalWidth])")
    assert len(sizes) == 2 * 3, "samples and curves of each contestant with numbers"
    assert all(complete and width > 0 for complete, width in sizes)
    assert all(image.get_attribute("alt") for image in browser.find_elements("tag name", "img"))
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert {url.partition(":")[0] for url in asked - {page.as_uri()}} <= {"data"}


def test_the_table_sorts_by_keyboard_and_the_failed_stay_last(browser, page):
    browser.get(page.as_uri())
    failed = ["far:small+x, seed 2", "gone, seed 0"]
    assert names(browser) == [*ORDER, *failed]
    assert press(browser, 2) == ("ascending", [*ORDER, *failed])
    assert press(browser, 2) == ("descending", [*ORDER[::-1], *failed])
    assert press(browser, 0) == ("ascending", ["far:small+x", "lone", "near", *failed])
    assert press(browser, 0) == ("descending", ["near", "lone", "far:small+x", *failed])
    _, by_seeds = press(browser, 5)
    assert by_seeds == ["lone", "far:small+x", "near", *failed]
    _, by_size = press(browser, 6)
    assert by_size == by_seeds, "equal numbers keep their order"
    sorts = browser.execute_script("return [...document.querySelectorAll('.board thead th')].map(th => th.ariaSort)")
    assert [i for i, how in enumerate(sorts) if how != "none"] == [6]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_it_fits_the_screen_and_can_be_read(browser, page, width, scheme):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE_PX}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(page.as_uri())
    inside = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert browser.execute_script(inside) is True
    colours = browser.execute_script("const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]")
    ink, paper = (sum(map(int, colour[4:-1].split(","))) for colour in colours)
    assert (ink - paper if scheme == "dark" else paper - ink) > 500
