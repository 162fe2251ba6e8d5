"""Charts as SVG: drawn by pygal, coloured by the pages' own style sheet, without script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

_WIDTH, _HEIGHT = 640, 190
# Parts of pygal's drawing that hold its style and script, or are shown by that script alone.
_UNWANTED = frozenset({"defs", "title", "desc", "comment"})


def line(points: Sequence[tuple[str, float]], label: Callable[[float], str]) -> str:
    """A line over days, which begins at zero; empty where there are fewer than two points.

    :param points: day and value, the oldest first.
    :param label: a value in words, for the axis.
    """
    if len(points) < 2:
        return ""
    # Imported when a chart is drawn: it takes a part of a second.
    import pygal

    chart = pygal.Line(
        width=_WIDTH,
        height=_HEIGHT,
        css=[],
        js=[],
        disable_xml_declaration=True,
        margin=6,
        margin_right=40,
        max_scale=4,
        show_legend=False,
        show_minor_x_labels=False,
        show_x_guides=False,
        dots_size=2,
        truncate_label=-1,
        x_labels_major_count=min(len(points), 5),
        range=(0, max(value for _, value in points) or 1),
        value_formatter=label,
    )
    chart.x_labels = [day for day, _ in points]
    chart.add("", [value for _, value in points])
    chart.add_xml_filter(_plain)
    return str(chart.render(is_unicode=True))


def _plain(root: Any) -> Any:
    """The drawing alone. What it says stands in the figure's caption and table, so that nobody hears it twice."""
    for parent in list(root.iter()):
        for child in list(parent):
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
            if name in _UNWANTED or "overlay" in child.get("class", ""):
                parent.remove(child)
    root.attrib.pop("id", None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return root


def sparkline(values: Sequence[int], width: int = 84, height: int = 20) -> str:
    """The points of a small line for an SVG's `polyline`; whole numbers, since a thousand of them are sent."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    spread = (high - low) or 1
    step = (width - 2) / (len(values) - 1)
    return " ".join(
        f"{round(1 + number * step)},{round(height - 2 - (value - low) * (height - 4) / spread)}"
        for number, value in enumerate(values)
    )
