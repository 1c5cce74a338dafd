"""The picture of a lab trend."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from bot.channels.chart import drawable, png, png_data_url

A1C = {
    "title": "Hemoglobin A1c",
    "unit": "%",
    "low": 4.0,
    "high": 5.6,
    "points": [["2025-03-01", 7.8], ["2025-09-04T08:30:00Z", 7.1], ["2026-03-01", 6.9]],
    "alt": "Three values, falling.",
}
BAND = (217, 234, 211)


def picture(chart: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(png(chart))).convert("RGB")


def colors(image: Image.Image) -> set[tuple[int, ...]]:
    return {color for _, color in image.getcolors(maxcolors=1 << 20) or []}


def test_it_is_a_picture_for_a_phone_dark_on_light() -> None:
    image = picture(A1C)
    assert image.size == (1080, 720)
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_the_reference_range_is_shaded_where_there_is_one() -> None:
    assert BAND in colors(picture(A1C))
    assert BAND in colors(picture({**A1C, "low": None}))
    assert BAND not in colors(picture({**A1C, "low": None, "high": None}))


def test_other_values_give_another_picture_and_the_same_the_same() -> None:
    assert png(A1C) == png(A1C)
    assert png(A1C) != png({**A1C, "points": A1C["points"][:2]})


@pytest.mark.parametrize(
    "points", [[["2026-03-01", 4]], [["2026-03-01", 0], ["2026-03-01", 0]], [[f"20{y:02}-01-01", y] for y in range(50)]]
)
def test_one_value_equal_values_and_many_values_can_be_drawn(points: list[Any]) -> None:
    assert picture({**A1C, "points": points}).size == (1080, 720)


@pytest.mark.parametrize(
    "chart",
    [
        None,
        {},
        {"points": []},
        {"points": [["soon", 1]]},
        {"points": [["2026-03-01", None]]},
        {"points": [["2026-03-01", float("nan")]]},
        {"points": [1]},
    ],
)
def test_what_is_no_chart_is_not_drawable(chart: Any) -> None:
    assert not drawable(chart)
    if chart is not None:
        with pytest.raises(ValueError):
            png(chart)


def test_threads_draw_side_by_side() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(png, [A1C] * 8)) == {png(A1C)}


def test_a_page_can_show_it_without_another_request() -> None:
    head, _, data = png_data_url(A1C).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == png(A1C)


def test_drawing_is_only_loaded_when_something_is_drawn() -> None:
    code = "import sys, bot.channels.chart; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
