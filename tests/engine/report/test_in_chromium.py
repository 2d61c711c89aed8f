"""The page as a browser shows it: headless Chromium (Debian's packages chromium and chromium-driver)."""

import json

import pytest

from genbench.contracts import Score, Scorecard
from genbench.report.columns import make_columns
from genbench.report.drawing import Cloud, Curve
from genbench.report.page import Exhibit, Gallery, Shot, draw_page

PHONE_PX, DESK_PX = 360, 1200
LONG = "a_very_long_name_of_a_folder_that_does_not_fit_on_any_phone_" * 2


def shots(rng, side_px, count):
    images = rng.integers(0, 256, (count, side_px, side_px, 3), dtype="uint8")
    return [
        Shot(image, f"{LONG}{i}.png", f"{i}", (image, "near.png") if i % 2 else None) for i, image in enumerate(images)
    ]


@pytest.fixture
def page(rng, tmp_path):
    """The path of a page of three sets with everything on it."""
    cards, exhibits = [], []
    for name in (LONG, "b", "c"):
        base = Score(
            metric="",
            fake=name,
            extractor="net",
            label="",
            value=0,
            stderr=1,
            ci95=None,
            better="lower",
            n_real=9,
            n_fake=9,
            warnings=["a warning of many words " * 8],
            floor=1.5,
        )
        values = {"fd": 30.0, "kd": 4.0, "is": 200.0} | ({} if name == "b" else {"nn": 1.0})
        scores = [
            base.model_copy(update={"metric": key, "label": f"{key}[net]", "value": value, "ci95": (value, value + 2)})
            for key, value in values.items()
        ]
        cards.append(Scorecard(fake=name, real="photos", scores=scores, provenance={}))
        galleries = [Gallery("Small", "words", shots(rng, 32, 6)), Gallery("Large", "", shots(rng, 200, 6))]
        curve = Curve("fd[net]", [10, 20, 40], [3.0, 2.0, 1.0], [0.1, 0.1, None], (0.5, 0.1))
        cloud = Cloud(rng.normal(size=(50, 2)), rng.normal(size=(50, 2)), (0.3, 0.2))
        exhibits.append(Exhibit(name, {LONG: [LONG]}, galleries[:1], [curve], cloud, galleries, missing=LONG))
    path = tmp_path / "page.html"
    path.write_text(draw_page(make_columns(cards), exhibits), encoding="utf-8")
    return path


def first_cells(browser):
    return browser.execute_script("return [...document.querySelectorAll('tbody th')].map(th => th.dataset.value)")


def press(browser, column):
    """Click a header; return its aria-sort and the metrics in their new order."""
    head = f"document.querySelectorAll('thead th')[{column}]"
    browser.execute_script(f"{head}.querySelector('button').click()")
    return browser.execute_script(f"return {head}.getAttribute('aria-sort')"), first_cells(browser)


def test_the_page_in_a_browser(browser, page):
    browser.get_log("performance")
    browser.get(page.as_uri())
    sizes = browser.execute_script("return [...document.images].map(image => [image.complete, image.naturalWidth])")
    assert len(sizes) == 3 * 3 * (6 + 3)
    assert all(complete and width > 0 for complete, width in sizes)
    assert all(image.get_attribute("alt") for image in browser.find_elements("tag name", "img"))
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert page.as_uri() in asked
    assert {url.partition(":")[0] for url in asked - {page.as_uri()}} <= {"data"}


def test_the_table_sorts(browser, page):
    browser.get(page.as_uri())
    assert first_cells(browser) == ["fd", "kd", "is", "nn"]
    assert press(browser, 1) == ("ascending", ["nn", "kd", "fd", "is"])
    assert press(browser, 1) == ("descending", ["is", "fd", "kd", "nn"])
    assert press(browser, 2) == ("ascending", ["kd", "fd", "is", "nn"]), "what has no value comes last"
    assert press(browser, 0) == ("ascending", ["fd", "is", "kd", "nn"])
    assert press(browser, 0) == ("descending", ["nn", "kd", "is", "fd"])
    sorts = browser.execute_script("return [...document.querySelectorAll('thead th')].map(th => th.ariaSort)")
    assert sorts == ["descending", "none", "none", "none"]
    notes = browser.execute_script("return [...document.querySelectorAll('tbody')].map(body => body.rows.length - 1)")
    assert notes == [1, 0, 0, 0], "a warning goes where its number goes"


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
