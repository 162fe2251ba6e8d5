"""Tables and plots of docs/performance.md, from what the benchmarks keep: `python -m benchmarks.performance`.

`make bench` runs the benchmarks and this. Each section is between marks of its own: where a benchmark was not run, what
stands there stays. Needs matplotlib: the environment `bench`.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.measuring import RESULTS, ROOT, Cost, compared, row, shown, table

mpl.use("svg")
from matplotlib import pyplot as plt

PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
# The same text and colours whether the page is light or dark: a card of its own.
STYLE = {
    "figure.facecolor": "white", "axes.spines.top": False, "axes.spines.right": False, "font.size": 10,
    "svg.hashsalt": "tributary", "svg.fonttype": "none",
}  # fmt: skip
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd")

Figures = Mapping[str, Any]


def costs_of(figures: Figures) -> dict[str, list[Cost]]:
    """The single costs of each way."""
    return {way: [Cost(**one) for one in found] for way, found in figures["costs"].items()}


def bars(name: str, figures: Figures, title: str) -> str:
    """A table of costs, and bars of wall and CPU seconds: medians, with lines from the least to the most."""
    costs = costs_of(figures)
    _, axes = plt.subplots(1, 2, figsize=(8, 0.7 + 0.42 * len(costs)), sharey=True)
    for axis, what, of in ((axes[0], "seconds of the clock", "wall"), (axes[1], "CPU seconds", "cpu")):
        for number, (way, found) in enumerate(reversed(costs.items())):
            values = [getattr(one, of) for one in found]
            middle = statistics.median(values)
            colour = COLOURS[(len(costs) - 1 - number) % len(COLOURS)]
            error = [[middle - min(values)], [max(values) - middle]]
            axis.barh(way, middle, xerr=error, color=colour, height=0.65, ecolor="#333333", capsize=3)
        axis.set_xlabel(what)
        axis.set_xlim(left=0)
    image = save(name, title)
    below = (compared(costs, figures["pairs"]), *figures.get("notes", ()))
    return "\n\n".join(filter(None, (f"![{title}]({image})", table(costs, figures["baseline"]), *below)))


def tasks(name: str, figures: Figures, title: str) -> str:
    """The gaps between tasks as a histogram, and their figures."""
    gaps, cpu = sorted(figures["gaps"]), figures["cpu"]
    _, axis = plt.subplots(figsize=(8, 2.4))
    axis.hist(gaps, bins=40, color=COLOURS[0])
    axis.axvline(statistics.median(gaps), color="#333333", linewidth=1)
    axis.set_xlabel("seconds from one task's end to the first line of the next; the line is the median")
    axis.set_ylabel("tasks")
    axis.set_xlim(left=0)
    rows = [
        "| | n | median (least to most) | 95 % at most |",
        "| --- | --- | --- | --- |",
        f"| from one task's end to the next one's first line, s | {len(gaps)} | {shown(gaps, 2)} | "
        f"{gaps[int(len(gaps) * 0.95)]:.2f} |",
        f"| CPU of a task that does nothing, s | {len(cpu)} | {shown(cpu, 2)} | |",
        f"| CPU of the stack at rest, s a second | 1 | {figures['at_rest']:.2f} | |",
    ]
    return f"![{title}]({save(name, title)})\n\n" + "\n".join(rows)


def parsing(name: str, figures: Figures, title: str) -> str:
    """The CPU to build DAGs by the number of databases, and a table."""
    _, axis = plt.subplots(figsize=(8, 3))
    ways: dict[str, list[tuple[int, float]]] = {}
    for one in figures["singles"]:
        built = statistics.median(single["build"] for single in one["found"])
        ways.setdefault(one["way"], []).append((one["databases"], built))
    for colour, (way, points) in zip(COLOURS, ways.items(), strict=False):
        axis.loglog(*zip(*points, strict=True), marker="o", color=colour, label=way)
    axis.set_xlabel("databases")
    axis.set_ylabel("CPU seconds to build")
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    parses, made = figures["parses"], figures["versions_made"]
    said = f"{parses} parses, each with other hashes of texts: {made} version(s) of the DAGs."
    return f"![{title}]({save(name, title)})\n\n{plain(name, figures, title)}\n\n{said}"


def moving(name: str, figures: Figures, title: str) -> str:
    """Rows a second by way and size, and a table."""
    lines = figures["lines"]
    _, axes = plt.subplots(1, 2, figsize=(8, 0.7 + 0.3 * len(lines)), sharey=True)
    labels = [f"{one['way']}, {one['MB']:,} MB" for one in lines]
    for axis, what in ((axes[0], "rows/s"), (axes[1], "rows by CPU second")):
        axis.barh(labels[::-1], [one[what] for one in lines][::-1], color=COLOURS[0], height=0.65)
        axis.set_xlabel(what)
        axis.locator_params(axis="x", nbins=4)
    return f"![{title}]({save(name, title)})\n\n{plain(name, figures, title)}"


def plain(_: str, figures: Figures, __: str) -> str:
    """The lines as a table."""
    lines = figures["lines"]
    columns = list(lines[0])
    rows = [row(columns), row(["---"] * len(columns)), *(row(one.values()) for one in lines)]
    return "\n\n".join(["\n".join(rows), *figures.get("notes", ())])


SECTIONS: dict[str, tuple[Callable[[str, Figures, str], str], str]] = {
    "day": (bars, "A day of six databases"),
    "dbt_stage": (bars, "The dbt stage of one database"),
    "tasks": (tasks, "A task that does nothing"),
    "parsing": (parsing, "Building the DAGs of many databases"),
    "many": (plain, ""),
    "consolidation": (bars, "Consolidation of one changed database"),
    "moving": (moving, "Imports and syncs"),
}


def save(name: str, title: str) -> str:
    """Write the figure at hand; returns its address from the page."""
    plt.suptitle(title, fontsize=11)
    plt.tight_layout()
    path = IMAGES / f"performance-{name}.svg"
    plt.savefig(path, metadata={"Date": None})
    plt.close()
    return f"images/{path.name}"


def made_with(figures: Figures) -> str:
    """On what the figures were taken."""
    machine = figures["machine"]
    versions = ", ".join(f"{package} {number}" for package, number in figures["versions"].items())
    return (
        f"{machine['cpus']} cores, {machine['memory_gb']} GB, Python {machine['python']}, {versions}; "
        f"commit {figures['commit'].removesuffix('-dirty')}{' and changes' * figures['commit'].endswith('-dirty')}, "
        f"{figures['when'][:10]}. Single figures: "
        f"[{figures['name']}.json](../benchmarks/results/{figures['name']}.json)."
    )


def section(page: str, name: str, figures: Figures) -> str:
    """The page with the section of a benchmark made anew. Raises ValueError where it has no place for it."""
    draw, title = SECTIONS[name]
    begin, end = f"<!-- made from {name}.json -->", f"<!-- end of {name}.json -->"
    made = f"{begin}\n\n{draw(name, figures, title)}\n\n{made_with(figures)}\n\n{end}"
    text, count = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: made, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{PAGE.name}: expected one place between {begin} and {end}, found {count}")
    return text


def main(names: Sequence[str]) -> None:
    """Make every section of which there are figures."""
    mpl.rcParams.update(STYLE)
    page = PAGE.read_text()
    for name in names:
        page = section(page, name, json.loads((RESULTS / f"{name}.json").read_text()))
    PAGE.write_text(page)


if __name__ == "__main__":
    main([name for name in SECTIONS if Path(RESULTS / f"{name}.json").exists()])
