"""Where the boxes and lines of a picture of tables go: columns from left to right, with as few crossings as is cheap.

Sugiyama's way: lines that pass a column get a place in it, columns are ordered by where their neighbours are, and
places then move towards these. The same tables always give the same picture. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Of one sign of the picture's letters, which all are as wide (px).
_SIGN = 7.25
_HEIGHT, _GAP, _LINE_GAP = 26, 10, 12
_PADDING, _BETWEEN, _TOP = 10, 44, 30
_SWEEPS = 12

# A box by its name, or the place where a line from one box to another passes a column.
_Place = str | tuple[str, str, int]


@dataclass(frozen=True)
class Box:
    """A table in the picture; `x` and `y` are its upper left corner (px)."""

    id: str
    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """From one table to another that reads it; `path` as SVG writes it."""

    source: str
    target: str
    path: str


@dataclass(frozen=True)
class Picture:
    """Boxes, lines and the columns' headings with where they begin; all in px."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    headings: tuple[tuple[float, str], ...]


def draw(
    boxes: Sequence[tuple[str, str]],
    edges: Sequence[tuple[str, str]],
    ranks: Mapping[str, int],
    headings: Mapping[int, str],
) -> Picture:
    """Lay out boxes (id and label) in the columns that `ranks` gives, with lines from left to right.

    :param headings: words above the first column of each.
    """
    labels = dict(boxes)
    chains = {edge: _chain(edge, ranks) for edge in edges}
    columns = _columns(boxes, chains, ranks)
    left, right = _neighbours(chains.values())
    _order(columns, left, right)
    middles = _middles(columns, left, right)
    widths = [max([len(labels[it]) for it in column if isinstance(it, str)] or [0]) for column in columns]
    starts, x = [], 1.0
    for signs in widths:
        starts.append(x)
        x += round(signs * _SIGN + 2 * _PADDING) + _BETWEEN
    ends = [start + round(signs * _SIGN + 2 * _PADDING) for start, signs in zip(starts, widths, strict=True)]
    told: dict[str, float] = {}
    for rank in sorted(headings):
        told.setdefault(headings[rank], starts[rank])
    top = min(middles.values(), default=0) - _HEIGHT / 2
    shift = _TOP - top
    drawn = tuple(
        Box(
            it,
            labels[it],
            starts[rank],
            round(middles[it] + shift - _HEIGHT / 2, 1),
            ends[rank] - starts[rank],
            _HEIGHT,
        )
        for rank, column in enumerate(columns)
        for it in column
        if isinstance(it, str)
    )
    lines = tuple(
        Line(
            *edge,
            _path([(starts[_rank(it, ranks)], ends[_rank(it, ranks)], round(middles[it] + shift, 1)) for it in chain]),
        )
        for edge, chain in chains.items()
    )
    # A heading may be wider than its boxes.
    width = max([end + 1 for end in ends] + [at + len(words) * _SIGN for words, at in told.items()], default=0)
    height = max((middle + shift + _HEIGHT / 2 for middle in middles.values()), default=_TOP) + 2
    return Picture(width, round(height, 1), drawn, lines, tuple((x, words) for words, x in told.items()))


def _chain(edge: tuple[str, str], ranks: Mapping[str, int]) -> list[_Place]:
    """A line's places, from column to column."""
    source, target = edge
    return [source, *((source, target, rank) for rank in range(ranks[source] + 1, ranks[target])), target]


def _rank(place: _Place, ranks: Mapping[str, int]) -> int:
    return ranks[place] if isinstance(place, str) else place[2]


def _columns(
    boxes: Sequence[tuple[str, str]], chains: Mapping[tuple[str, str], list[_Place]], ranks: Mapping[str, int]
) -> list[list[_Place]]:
    columns: list[list[_Place]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for box, _ in boxes:
        columns[ranks[box]].append(box)
    for chain in chains.values():
        for place in chain[1:-1]:
            columns[_rank(place, ranks)].append(place)
    return columns


_Neighbours = Mapping[_Place, list[_Place]]


def _neighbours(chains: Iterable[list[_Place]]) -> tuple[_Neighbours, _Neighbours]:
    """By place, those that it has lines to: on its left, and on its right."""
    left: dict[_Place, list[_Place]] = {}
    right: dict[_Place, list[_Place]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            right.setdefault(one, []).append(other)
            left.setdefault(other, []).append(one)
    return left, right


def _order(columns: list[list[_Place]], left: _Neighbours, right: _Neighbours) -> None:
    """Sort each column by the mean place of its neighbours, from left to right and back, and keep the best order."""
    best, fewest = [list(column) for column in columns], _crossings(columns, right)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        side = left if forth else right
        for number in range(len(columns)) if forth else reversed(range(len(columns))):
            beside = number - 1 if forth else number + 1
            if not 0 <= beside < len(columns):
                continue
            place = {it: at for at, it in enumerate(columns[beside])}
            means = {
                it: sum(place[other] for other in side[it]) / len(side[it]) if side.get(it) else float(at)
                for at, it in enumerate(columns[number])
            }
            columns[number].sort(key=lambda it: means[it])
        crossings = _crossings(columns, right)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    columns[:] = best


def _crossings(columns: list[list[_Place]], right: _Neighbours) -> int:
    found = 0
    for column, following in pairwise(columns):
        place = {it: at for at, it in enumerate(following)}
        ends = [sorted(place[other] for other in right.get(it, ())) for it in column]
        before: list[int] = []
        for of_one in ends:
            found += sum(earlier > end for end in of_one for earlier in before)
            before += of_one
    return found


def _middles(columns: list[list[_Place]], left: _Neighbours, right: _Neighbours) -> dict[_Place, float]:
    """The height of each place: near its neighbours' mean, in its column's order, and not too near to the next."""
    middles: dict[_Place, float] = {}
    for column in columns:
        at = 0.0
        for number, place in enumerate(column):
            at += _distance(column[number - 1], place) if number else 0
            middles[place] = at
        for place in column:
            middles[place] -= at / 2
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for column in columns if forth else reversed(columns):
            wanted = []
            for place in column:
                beside = (left if forth else right).get(place) or (right if forth else left).get(place) or [place]
                wanted.append(sum(middles[it] for it in beside) / len(beside))
            for place, middle in zip(column, _spread(column, wanted), strict=True):
                middles[place] = middle
    return middles


def _spread(column: Sequence[_Place], wanted: Sequence[float]) -> list[float]:
    """As near to the wanted heights as the distances allow: what stands too near is moved apart as one block."""
    blocks: list[tuple[float, list[float]]] = []
    # A block: the height of its first place, and how far below that each of its places is.
    for number, want in enumerate(wanted):
        block = (want, [0.0])
        last = _distance(column[number - 1], column[number]) if number else 0.0
        while blocks and blocks[-1][0] + blocks[-1][1][-1] + last > block[0]:
            first, offsets = blocks.pop()
            shifted = [offsets[-1] + last + offset for offset in block[1]]
            total = first * len(offsets) + sum(
                block[0] + mine - off for mine, off in zip(block[1], shifted, strict=True)
            )
            merged = [*offsets, *shifted]
            block = (total / len(merged), merged)
            start = number + 1 - len(merged)
            last = _distance(column[start - 1], column[start]) if start else 0.0
        blocks.append(block)
    return [first + offset for first, offsets in blocks for offset in offsets]


def _distance(one: _Place, other: _Place) -> float:
    boxes = isinstance(one, str) + isinstance(other, str)
    return {2: _HEIGHT + _GAP, 1: _HEIGHT / 2 + _LINE_GAP, 0: _LINE_GAP}[boxes]


def _path(stops: Sequence[tuple[float, float, float]]) -> str:
    """A line through columns: level where it passes one, a curve between two. Stops: left, right, height."""
    parts = [f"M{stops[0][1]:g} {stops[0][2]:g}"]
    for (_, end, height), (start, _, next_height) in pairwise(stops):
        half = (end + start) / 2
        parts.append(f"C{half:g} {height:g} {half:g} {next_height:g} {start:g} {next_height:g}")
        if start != stops[-1][0]:
            parts.append(f"H{next(right for left, right, _ in stops if left == start):g}")
    return "".join(parts)
