"""Where boxes and lines of a picture go."""

from __future__ import annotations

import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tributary.dictionary.layout import Picture, draw


def picture(edges: list[tuple[str, str]], ranks: dict[str, int]) -> Picture:
    return draw([(name, name) for name in ranks], edges, ranks, {rank: str(rank) for rank in ranks.values()})


@st.composite
def graphs(any_of: st.DrawFn) -> tuple[list[tuple[str, str]], dict[str, int]]:
    ranks = any_of(st.lists(st.integers(0, 4), min_size=1, max_size=16))
    named = {f"t{number}": rank for number, rank in enumerate(ranks)}
    possible = [(one, other) for one in named for other in named if named[one] < named[other]]
    return (any_of(st.lists(st.sampled_from(possible), unique=True)) if possible else []), named


@given(graphs())
def test_boxes_never_touch_and_lines_pass_between_them(graph: tuple[list[tuple[str, str]], dict[str, int]]):
    edges, ranks = graph
    drawn = picture(edges, ranks)
    boxes = {box.id: box for box in drawn.boxes}
    assert set(boxes) == set(ranks)
    for one, other in combinations(drawn.boxes, 2):
        apart = one.x + one.width < other.x or other.x + other.width < one.x
        assert apart or abs(one.y - other.y) >= one.height + 4
    for line in drawn.lines:
        source, target = boxes[line.source], boxes[line.target]
        stops = [tuple(map(float, stop)) for stop in re.findall(r"(?:M| )(-?[\d.]+) (-?[\d.]+)(?=C|H|$)", line.path)]
        assert stops[0] == (source.x + source.width, round(source.y + source.height / 2, 1))
        assert stops[-1] == (target.x, round(target.y + target.height / 2, 1))
        for x, y in stops[1:-1]:
            beside = [box for box in drawn.boxes if box.x <= x <= box.x + box.width]
            assert [box.id for box in beside if box.y <= y <= box.y + box.height] == []
    for box in drawn.boxes:
        assert 0 <= box.x <= box.x + box.width <= drawn.width
        assert 0 <= box.y <= box.y + box.height <= drawn.height


def test_lines_that_need_not_cross_do_not():
    drawn = picture([("a", "z"), ("b", "y"), ("c", "x")], {"a": 0, "b": 0, "c": 0, "x": 1, "y": 1, "z": 1})
    height = {box.id: box.y for box in drawn.boxes}
    assert sorted("abc", key=height.__getitem__) == [
        {"z": "a", "y": "b", "x": "c"}[name] for name in sorted("xyz", key=height.__getitem__)
    ]
    assert [height[one] == height[other] for one, other in ("az", "by", "cx")] == [True] * 3


def test_a_picture_of_nothing_is_empty():
    assert picture([], {}).boxes == ()
