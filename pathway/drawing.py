"""The state machine as a picture and as text, made from the same table of moves that engines obey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pathway.definition.scenario import Scenario
from pathway.errors import shown
from pathway.program import Program

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOX = (1.7, 0.62)
STEP = (2.9, 1.75)
BLUE = "#0B4F8A"
GREY = "#6B6B6B"
ORANGE = "#B34700"
PALE = "#8A8A8A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """All moves between two states, with their words."""

    source: int
    to: int
    words: tuple[str, ...]


def arrows_of(program: Program) -> list[Arrow]:
    """Gather moves by their ends, in order of states."""
    found: dict[tuple[int, int], list[str]] = {}
    for move in program.moves:
        for source in range(len(program.states)):
            if move.sources >> source & 1 and source != move.to:
                words = "next line" if move.trigger.startswith("line:") else shown(move.label)
                found.setdefault((source, move.to), []).append(words)
    return [
        Arrow(source=source, to=to, words=tuple(dict.fromkeys(words))) for (source, to), words in sorted(found.items())
    ]


def not_entered(program: Program) -> frozenset[int]:
    """States beside the lines that nothing leads to under this strategy: an optional decision that it does not list would."""
    reached = {arrow.to for arrow in arrows_of(program)} | {program.start_state}
    return frozenset(k for k in range(len(program.states)) if k not in reached and program.state_line[k] < 0)


def _who_enters(name: str, scenario: Scenario) -> str:
    """Tell which strategies of the study list an optional decision that leads to this state."""
    ways = {row.name: shown(row.label) for row in scenario.library.pathway.decisions if row.optional and row.to == name}
    users = [shown(key) for key, one in scenario.strategies.items() if ways.keys() & set(one.decisions)]
    return f"by '{'; '.join(ways.values())}', under {', '.join(users) or 'no strategy of this study'}" if ways else ""


def as_text(program: Program, scenario: Scenario) -> str:
    """Strategy, then states in reading order, each with the moves that leave it."""
    labels = _labels(program, scenario)
    idle = not_entered(program)
    arrows = [arrow for arrow in arrows_of(program) if arrow.source not in idle]
    alive = [k for k in range(len(program.states)) if not program.absorbing >> k & 1 and k not in idle]
    everywhere = _from_everywhere(arrows, alive)
    lines = [f"under {shown(program.strategy)}, {shown(scenario.strategies[program.strategy].label)}"]
    for k, label in enumerate(labels):
        marks = [
            word
            for word, holds in (
                ("start", k == program.start_state),
                ("absorbing", bool(program.absorbing >> k & 1)),
                ("last resort", k == program.last_resort),
                (f"not entered under {shown(program.strategy)}", k in idle),
            )
            if holds
        ]
        lines.append(label + (f"  [{', '.join(marks)}]" if marks else ""))
        if k in idle and (who := _who_enters(program.states[k], scenario)):
            lines.append(f"    entered {who}")
        lines += [
            f"    -> {labels[arrow.to]}: {'; '.join(arrow.words)}"
            for arrow in arrows
            if arrow.source == k and arrow.to not in everywhere
        ]
    for to, words in everywhere.items():
        lines.append(f"from every living state\n    -> {labels[to]}: {'; '.join(words)}")
    lines.append("")
    lines.append("what happens inside states")
    lines += [f"    {words}" for words in internal(program, scenario)]
    return "\n".join(lines)


def internal(program: Program, scenario: Scenario) -> list[str]:
    """Transitions, decisions and planned stops that change registers only, in file order."""
    pathway = scenario.library.pathway
    labels = {row.name: shown(row.label) for row in pathway.transitions}
    labels |= {row.name: shown(row.label) for row in pathway.decisions}
    labels |= {row.name: shown(row.label) for row in pathway.scheduled}
    found = [labels.get(spec.name, spec.name) for spec in program.transitions if spec.to < 0]
    found += [labels.get(spec.name, spec.name) for spec in program.scheduled]
    moving = {row.name for row in pathway.decisions if row.to is not None}
    found += [labels.get(spec.name, spec.name) for spec in program.decisions if spec.name not in moving]
    return list(dict.fromkeys(found))


def _labels(program: Program, scenario: Scenario) -> list[str]:
    states = scenario.library.pathway.states
    return [shown(states[name].label) if name in states else name for name in program.states]


def _from_everywhere(arrows: list[Arrow], alive: list[int]) -> dict[int, tuple[str, ...]]:
    """States that all living states lead to, and by what in any of them."""
    found: dict[int, tuple[str, ...]] = {}
    for to in {arrow.to for arrow in arrows}:
        into = [arrow for arrow in arrows if arrow.to == to]
        if to not in alive and {arrow.source for arrow in into} >= set(alive) - {to}:
            found[to] = tuple(dict.fromkeys(word for arrow in into for word in arrow.words))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Moves that several states of the upper row share: to one state below, by the same words."""

    to: int
    sources: tuple[int, ...]
    words: tuple[str, ...]


def _shared(arrows: list[Arrow], upper: list[int]) -> list[Shared]:
    """States below that all of the upper row leads to, by whatever, or some of it by the same words."""
    found = []
    for to in sorted({arrow.to for arrow in arrows} - set(upper)):
        into = [arrow for arrow in arrows if arrow.to == to and arrow.source in upper]
        is_whole = {arrow.source for arrow in into} == set(upper)
        if len(into) > 1 and (is_whole or len({arrow.words for arrow in into}) == 1):
            words = tuple(dict.fromkeys(word for arrow in into for word in arrow.words))
            found.append(Shared(to=to, sources=tuple(arrow.source for arrow in into), words=words))
    return found


def _draw_brackets(axes: Axes, shared: list[Shared], places: dict[int, tuple[float, float]]) -> None:
    """Draw one line under the upper row for each set of states that share moves, and an arrow down to each of their ends."""
    from pathway.report.view import wrapped

    sets = sorted({one.sources for one in shared if one.to in places}, key=lambda sources: (-len(sources), sources))
    for rank, sources in enumerate(sets):
        y = -BOX[1] / 2 - 0.24 - 0.16 * rank
        ends = [places[k][0] - 0.14 * rank for k in sources]
        ways = [one for one in shared if one.sources == sources and one.to in places]
        drops = [places[one.to][0] + 0.35 for one in ways]
        axes.plot([min(ends + drops), max(ends + drops)], [y, y], color=BLUE, linewidth=1.2, zorder=2)
        for x in ends:
            axes.plot([x, x], [y, -BOX[1] / 2], color=BLUE, linewidth=1.2, zorder=2)
        for one, x in zip(ways, drops, strict=True):
            top = places[one.to][1] + BOX[1] / 2
            axes.annotate(
                "", (x, top), xytext=(x, y), zorder=4,
                arrowprops={"arrowstyle": "-|>", "color": BLUE, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 1},
            )  # fmt: skip
            text = "; ".join("no candidate is left" if word == "next line" else word for word in one.words)
            axes.text(
                x + 0.1, (y + top) / 2, wrapped(text, 24, 3), ha="left", va="center", fontsize=7.2, color=BLUE, zorder=5,
                bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 0.5},
            )  # fmt: skip


def _places(program: Program) -> dict[int, tuple[float, float]]:
    """Start and lines in a row, in order of lines; other living states below."""
    living = [k for k in range(len(program.states)) if not program.absorbing >> k & 1]
    upper = sorted(
        (k for k in living if program.state_line[k] >= 0 or (k == program.start_state and k != program.last_resort)),
        key=lambda k: (k != program.start_state, program.state_line[k], k),
    )
    lower = [k for k in living if k not in upper]
    places = {k: (column * STEP[0], 0.0) for column, k in enumerate(upper)}
    first = max(len(upper) - len(lower), 0) / 2.0
    places |= {k: ((first + column) * STEP[0], -STEP[1]) for column, k in enumerate(lower)}
    return places


def as_figure(program: Program, scenario: Scenario) -> Figure:
    """Draw the machine: boxes for states, arrows for moves, absorbing states as a bar under all."""
    from matplotlib.patches import FancyBboxPatch

    from pathway.report.figures.canvas import paper, style
    from pathway.report.view import wrapped

    labels, idle = _labels(program, scenario), not_entered(program)
    arrows = [arrow for arrow in arrows_of(program) if arrow.source not in idle]
    places = _places(program)
    living = [k for k in places if k not in idle]
    everywhere = _from_everywhere(arrows, living)
    right = max(x for x, _ in places.values())
    bottom = min(y for _, y in places.values()) - 1.35
    with style():
        figure = paper(max(0.62 * (right + 2.6) * 1.5, 6.5), 5.4)
        axes = figure.add_subplot()
        for k, (x, y) in places.items():
            edge = PALE if k in idle else BLUE if program.state_line[k] > 0 else GREY
            axes.add_patch(
                FancyBboxPatch(
                    (x - BOX[0] / 2, y - BOX[1] / 2),
                    *BOX,
                    boxstyle="round,pad=0.02,rounding_size=0.12",
                    facecolor="white",
                    edgecolor=edge,
                    linewidth=1.0 if k in idle else 1.6,
                    linestyle=":" if k in idle else "-",
                    zorder=3,
                )
            )
            if k in idle:
                said = f"not entered under {shown(program.strategy)}"
                axes.text(x, y - BOX[1] / 2 - 0.08, said, ha="center", va="top", fontsize=7.2, color=PALE)
            axes.text(
                x,
                y,
                wrapped(labels[k], 17, 2),
                ha="center",
                va="center",
                fontsize=9,
                fontweight="bold",
                color=edge,
                zorder=4,
            )
            if k == program.start_state:
                axes.annotate(
                    "",
                    (x - BOX[0] / 2 - 0.03, y),
                    xytext=(x - BOX[0] / 2 - 0.5, y),
                    arrowprops={"arrowstyle": "-|>", "color": GREY},
                )
        upper = [k for k in living if places[k][1] == 0.0]
        shared = _shared(arrows, upper)
        gathered = {(source, one.to) for one in shared for source in one.sources}
        for arrow in arrows:
            if arrow.to in places and (arrow.source, arrow.to) not in gathered:
                _draw_arrow(axes, arrow, places, program)
        _draw_brackets(axes, shared, places)
        for rank, (to, words) in enumerate(everywhere.items()):
            y = bottom - rank * 1.0
            left = -BOX[0] / 2
            axes.add_patch(
                FancyBboxPatch(
                    (left, y - 0.3),
                    right + BOX[0],
                    0.6,
                    boxstyle="round,pad=0.02,rounding_size=0.12",
                    facecolor="#F2F2F2",
                    edgecolor=GREY,
                    linewidth=1.2,
                )
            )
            axes.text(left + 0.2, y, labels[to], ha="left", va="center", fontsize=9, fontweight="bold", color="#222222")
            axes.text(
                left + 1.6,
                y,
                wrapped("from every state: " + "; ".join(words), max(int(12.5 * right), 30), 3),
                ha="left",
                va="center",
                fontsize=7.6,
                color=GREY,
            )
            for k in living:
                if places[k][1] == min(p[1] for p in places.values()) or not any(
                    places[o][0] == places[k][0] and places[o][1] < places[k][1] for o in living
                ):
                    axes.annotate(
                        "",
                        (places[k][0], y + 0.33),
                        xytext=(places[k][0], places[k][1] - BOX[1] / 2 - 0.03),
                        arrowprops={"arrowstyle": "-|>", "color": "#BBBBBB", "linewidth": 0.9},
                        zorder=1,
                    )
        axes.set_xlim(-BOX[0] / 2 - 0.7, right + BOX[0] / 2 + 0.3)
        axes.set_ylim(bottom - max(len(everywhere) - 1, 0) - 0.7, 1.6)
        axes.text(
            right + BOX[0] / 2,
            1.5,
            "dashed: a line is passed over, or taken again",
            ha="right",
            va="top",
            fontsize=7.2,
            color=GREY,
        )
        axes.set_title(f"{shown(scenario.library.title)}: states and moves ({shown(program.strategy)})")
        axes.axis("off")
    return figure


def _draw_arrow(axes: Axes, arrow: Arrow, places: dict[int, tuple[float, float]], program: Program) -> None:
    """Draw an arrow between two boxes, bent where it would cross another box; dashed if it leads back a line."""
    (x0, y0), (x1, y1) = places[arrow.source], places[arrow.to]
    colour, words = BLUE, "; ".join(arrow.words)
    lines = program.state_line[arrow.source], program.state_line[arrow.to]
    is_back = lines[1] >= 0 and (0 <= lines[1] < lines[0] or lines[0] < 0) and arrow.source != program.start_state
    if is_back:
        colour = ORANGE
    is_skip = words == "next line" and lines[1] - max(lines[0], 0) > 1
    line_style = "--" if is_back or is_skip else "-"
    if y0 == y1:
        span = round(abs(x1 - x0) / STEP[0])
        if span == 1 and x1 > x0:
            start, end, bend = (x0 + BOX[0] / 2, y0), (x1 - BOX[0] / 2, y1), 0.0
        else:
            side = 1.0 if y0 == 0.0 else -1.0
            start, end, bend = (
                (x0 + 0.25, y0 + side * BOX[1] / 2),
                (x1 - 0.25, y1 + side * BOX[1] / 2),
                (-0.28 if x1 > x0 else 0.28) * side,
            )
    else:
        side = -1.0 if y1 < y0 else 1.0
        lean = max(-0.5, min(0.5, (x1 - x0) * 0.15))
        start, end, bend = (x0 + lean, y0 + side * BOX[1] / 2), (x1 - lean, y1 - side * BOX[1] / 2), 0.0
    axes.annotate(
        "", end, xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 0.7 if is_back or is_skip else 1.2, "linestyle": line_style, "connectionstyle": f"arc3,rad={bend}", "alpha": 0.55 if is_back or is_skip else 0.95, "shrinkA": 1, "shrinkB": 2}, zorder=2,
    )  # fmt: skip
    if words != "next line":
        from pathway.report.view import wrapped

        height = -bend * (x1 - x0) * 0.5
        axes.text(
            (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + height + 0.06, wrapped(words, 20, 3), ha="center", va="bottom", fontsize=7, color=colour, zorder=5,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
