"""Draws the trend of a laboratory value as a PNG that is readable on a phone."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _LINE, _BAND, _EDGE, _PAPER = "#1f2933", "#0b5394", "#d9ead3", "#38761d", "#ffffff"
_SIZE, _DPI = (6.0, 4.0), 180  # inches; 1080 by 720 pixels
_LABELLED = 8  # up to so many points each has its value written beside it
_lock = Lock()  # matplotlib's caches of fonts are not made for threads


@dataclass(frozen=True)
class Trend:
    """What is drawn. `low` and `high` bound the reference range; either may be absent."""

    title: str
    unit: str
    points: list[tuple[date, float]]
    low: float | None = None
    high: float | None = None

    @classmethod
    def parse(cls, chart: Mapping[str, Any]) -> Trend:
        """From `{"title", "unit", "low", "high", "points": [[ISO date, number]]}`; ValueError where that is wrong."""
        try:
            points = sorted((date.fromisoformat(str(day)[:10]), _number(value)) for day, value in chart["points"])
            low, high = (None if chart.get(k) is None else _number(chart[k]) for k in ("low", "high"))
        except (TypeError, KeyError) as error:
            raise ValueError("not a chart") from error
        if not points:
            raise ValueError("a chart without points")
        return cls(str(chart.get("title") or ""), str(chart.get("unit") or ""), points, low, high)


def drawable(chart: Mapping[str, Any] | None) -> bool:
    """Whether `png` can draw it."""
    try:
        return chart is not None and bool(Trend.parse(chart))
    except ValueError:
        return False


def png(chart: Mapping[str, Any]) -> bytes:
    """The picture of `chart` (see `Trend.parse`): dark on light, the reference range shaded. Blocks; thread-safe."""
    trend = Trend.parse(chart)
    with _lock:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor=_PAPER)
        FigureCanvasAgg(figure)
        _draw(figure, trend)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def png_data_url(chart: Mapping[str, Any]) -> str:
    """The picture as a `data:` address (RFC 2397), for a page that shows it without another request."""
    return "data:image/png;base64," + base64.b64encode(png(chart)).decode()


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _draw(figure: Figure, trend: Trend) -> None:
    axes = figure.add_subplot()
    days, values = [day for day, _ in trend.points], [value for _, value in trend.points]
    axes.plot(days, values, color=_LINE, linewidth=2.5, marker="o", markersize=8, zorder=3)
    axes.margins(x=0.1)
    _scale(axes, trend)
    _shade(axes, trend)
    _label(axes, trend)
    _style(axes, trend)
    figure.tight_layout()


def _scale(axes: Axes, trend: Trend) -> None:
    """From the least to the greatest of the values and of the range's ends, and some air."""
    shown = [value for _, value in trend.points] + [end for end in (trend.low, trend.high) if end is not None]
    air = (max(shown) - min(shown)) * 0.2 or abs(shown[0]) * 0.2 or 1.0
    axes.set_ylim(min(shown) - air, max(shown) + air)


def _shade(axes: Axes, trend: Trend) -> None:
    if trend.low is None and trend.high is None:
        return
    bottom, top = axes.get_ylim()
    low = bottom if trend.low is None else trend.low
    high = top if trend.high is None else trend.high
    axes.axhspan(low, high, color=_BAND, zorder=1)
    for end in (trend.low, trend.high):
        if end is not None:
            axes.axhline(end, color=_EDGE, linewidth=1.2, linestyle="--", zorder=2)
            axes.annotate(
                f"{end:g}",
                (1, end),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                xytext=(4, 0),
                va="center",
                fontsize=13,
                color=_EDGE,
            )


def _label(axes: Axes, trend: Trend) -> None:
    """The values; of many only the first, the last and the extremes."""
    values = [value for _, value in trend.points]
    last = len(values) - 1
    chosen = range(len(values)) if last < _LABELLED else {0, last, values.index(min(values)), values.index(max(values))}
    for i in chosen:
        day, value = trend.points[i]
        axes.annotate(
            f"{value:g}",
            (day, value),
            textcoords="offset points",
            xytext=(0, 11),
            ha="center",
            fontsize=14,
            fontweight="bold",
            color=_INK,
            zorder=4,
        )


def _style(axes: Axes, trend: Trend) -> None:
    from matplotlib.dates import AutoDateLocator, num2date

    days = {day for day, _ in trend.points}
    if len(days) <= 4:
        axes.set_xticks(sorted(days))
    else:
        axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=5))
    axes.xaxis.set_major_formatter(lambda day, _: f"{num2date(day):%b} {num2date(day).day}\n{num2date(day).year}")
    axes.set_title(trend.title, fontsize=18, fontweight="bold", color=_INK, loc="left", pad=12)
    axes.set_ylabel(trend.unit, fontsize=14, color=_INK)
    axes.tick_params(labelsize=13, colors=_INK)
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
