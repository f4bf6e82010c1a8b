from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SIZES = [(1440, 900), (820, 1180), (390, 800)]


@pytest.fixture
def page(opened: Any, report: Path) -> Any:
    return opened(report / "patients" / "1001.html")


def pixels(part: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(part.screenshot())).convert("RGB"), np.float32)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    height, width = min(len(one), len(other)), min(one.shape[1], other.shape[1])
    return float(np.abs(one[:height, :width] - other[:height, :width]).mean())


def place(page: Any) -> str:
    return str(page.locator(".stage").first.evaluate("stage => stage.style.transform"))


def scale(page: Any) -> float:
    found = re.search(r"scale\(([\d.]+)\)", place(page))
    return float(found.group(1)) if found else 1.0


def test_the_slider_fades_what_lies_over_the_photograph(page: Any) -> None:
    frame = page.locator(".frame").first
    slider = page.locator(".opacity")
    assert page.locator(".overlays").first.evaluate("part => getComputedStyle(part).opacity") == "0.6"
    at_60 = pixels(frame)
    slider.fill("0")
    at_0 = pixels(frame)
    slider.fill("100")
    at_100 = pixels(frame)
    assert page.locator(".tools output").inner_text() == "100 %"
    assert difference(at_0, at_100) > difference(at_0, at_60) > 0.5
    # By keyboard, too.
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator(".tools output").inner_text() == "95 %"


@pytest.mark.parametrize("layer", ["mask", "contour", "probability", "uncertainty", "calibre", "redfree", "landmarks"])
def test_every_layer_can_be_shown_and_hidden(page: Any, layer: str) -> None:
    frame, box = page.locator(".frame").first, page.locator(f"[data-layer={layer}]")
    page.locator(".opacity").fill("100")
    page.locator("[data-layer=mask]").uncheck()
    without = pixels(frame)
    box.focus()
    page.keyboard.press("Space")
    assert box.is_checked()
    assert difference(pixels(frame), without) > 0.2
    page.keyboard.press("Space")
    assert difference(pixels(frame), without) < 0.05


def test_the_mask_lies_where_the_vessels_are(page: Any) -> None:
    page.locator(".opacity").fill("100")
    page.locator("[data-layer=photo]").uncheck()
    shown = pixels(page.locator(".frame").first)
    blue = (shown[..., 2] - shown[..., 0] > 60).mean()
    assert 0.02 < blue < 0.3


def test_zoom_by_buttons_and_true_pixels(page: Any) -> None:
    viewer = page.locator(".eye").first
    told = viewer.locator(".zoom output")
    viewer.locator("[data-zoom=in]").click()
    assert scale(page) == pytest.approx(1.25)
    viewer.locator("[data-zoom=fit]").click()
    assert scale(page) == 1
    for _ in range(4):
        viewer.locator("[data-zoom=in]").click()
    assert "pixels" in viewer.locator(".stage").get_attribute("class")
    viewer.locator("[data-zoom=wide]").click()
    assert viewer.locator("[data-zoom=wide]").get_attribute("aria-pressed") == "true"
    viewer.locator("[data-zoom=true]").click()
    width = viewer.locator(".frame").evaluate("frame => frame.clientWidth")
    # The drawn photographs are smaller than the screen's, so all of it is already larger than its true pixels.
    assert told.inner_text() == f"{round(100 * width / 400)} %"


def test_zoom_and_move_by_keyboard(page: Any) -> None:
    page.locator(".frame").first.focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert scale(page) == pytest.approx(1.5625)
    before = place(page)
    page.keyboard.press("ArrowRight")
    assert place(page) != before
    page.keyboard.press("-")
    page.keyboard.press("0")
    assert place(page) == ""


def test_zoom_and_move_by_mouse(page: Any) -> None:
    frame = page.locator(".frame").first
    box = frame.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + 200)
    page.mouse.move(*middle)
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(200)
    # The wheel scrolls the page until the photograph was selected.
    assert scale(page) == 1
    page.mouse.click(*middle)
    page.mouse.wheel(0, -100)
    page.wait_for_function("document.querySelector('.stage').style.transform !== ''")
    before = place(page)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1] + 30, steps=4)
    page.mouse.up()
    assert place(page) != before


def test_zoom_by_two_fingers(opened: Any, report: Path) -> None:
    page = opened(report / "patients" / "1001.html", 820, 1180, has_touch=True)
    session = page.context.new_cdp_session(page)
    page.locator(".frame").first.scroll_into_view_if_needed()
    box = page.locator(".frame").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind: str, apart: float) -> None:
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 30)
    for apart in (40, 60, 80, 90):
        touch("touchMove", apart)
    touch("touchEnd", 0)
    assert 2 < scale(page) < 4


def test_a_name_is_never_run(opened: Any, report: Path) -> None:
    hostile = next(path for path in (report / "patients").glob("p-*.html"))
    page = opened(hostile)
    assert page.title().startswith("<script>document.title = 'taken'</script>")
    assert page.locator("h1").inner_text() == "<script>document.title = 'taken'</script>"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_sticks_out_sideways(opened: Any, report: Path, width: int, height: int) -> None:
    page = opened(report / "patients" / "1001.html", width, height)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    eyes = page.locator(".frame")
    first, second = (eyes.nth(number).bounding_box() for number in (0, 1))
    assert (first["x"] < second["x"]) == (width > 800)


def test_it_prints_on_two_pages_of_a4(page: Any, tmp_path: Path) -> None:
    data = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", data)) == 2
    sizes = {tuple(round(float(v)) for v in box.split()) for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", data)}
    assert sizes <= {(0, 0, 595, 842), (0, 0, 596, 842)}


def test_paper_has_photograph_and_tracing_whatever_is_shown_on_the_screen(page: Any) -> None:
    page.locator("[data-layer=mask]").uncheck()
    page.locator("[data-layer=photo]").uncheck()
    page.locator(".opacity").fill("0")
    page.locator(".frame").first.focus()
    page.keyboard.press("+")
    page.emulate_media(media="print")
    stage = page.locator(".stage").first
    assert stage.evaluate("part => getComputedStyle(part).transform") == "none"
    assert stage.locator(".mask").is_visible()
    assert stage.locator(".contour").is_visible()
    photograph, tracing = stage.locator(".photo").bounding_box(), stage.locator(".mask").bounding_box()
    assert tracing["y"] >= photograph["y"] + photograph["height"]
    for part in (".contour", ".landmarks"):
        box = stage.locator(part).bounding_box()
        assert all(abs(box[side] - photograph[side]) < 1 for side in box), part
    shown = pixels(stage.locator(".mask"))
    assert np.ptp(shown, axis=2).max() < 3
    assert 0.02 < (shown.mean(axis=2) < 64).mean() < 0.3
    assert not page.locator(".tools").is_visible()


def test_one_eye_prints_photograph_and_tracing_side_by_side(opened: Any, report: Path) -> None:
    page = opened(report / "patients" / "1003.html")
    page.emulate_media(media="print")
    stage = page.locator(".stage")
    photograph, tracing, contour = (stage.locator(f".{name}").bounding_box() for name in ("photo", "mask", "contour"))
    assert tracing["x"] >= photograph["x"] + photograph["width"]
    assert abs(contour["width"] - photograph["width"]) < 1
    assert abs(contour["height"] - photograph["height"]) < 1
    assert len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))) == 2


def test_both_colour_schemes_are_readable(opened: Any, report: Path) -> None:
    for scheme, dark in (("light", False), ("dark", True)):
        page = opened(report / "patients" / "1001.html", color_scheme=scheme)
        assert (pixels(page.locator("h1"))[0, 0].mean() < 80) == dark
