"""Draws the diagram of an environment as one accessible SVG: a title, a description in words, and text that is text.

Readable without colours, at 4.5:1 contrast and more, on its own white ground; no font, script or image from elsewhere.
"""

from collections.abc import Iterator
from html import escape

from gatehouse_platform.offline.diagram_model import DiagramBox, DiagramModel

CARD_WIDTH, CARD_HEIGHT, GAP, ROW_GAP, MARGIN = 218, 92, 48, 60, 32
WIDE_CARD = CARD_WIDTH + 40
# Lines that share a gap between cards keep this far apart.
APART = 8
MOST_IN_A_ROW = 5
SIDE_WIDTH = 216
LINE = 18
STYLE = (
    "text{font-family:system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;fill:#1b2733}"
    ".n{font-size:16px;font-weight:600}.f{font-size:13px;fill:#3d4b58}.t{font-size:22px;font-weight:700}"
    ".p{font-size:13px;fill:#3d4b58;font-style:italic}"
    ".card{fill:#fff;stroke:#3b5b7c;stroke-width:1.5}.zone{fill:#f3f6f9;stroke:#8496a8;stroke-dasharray:5 4}"
    ".edge{fill:#fff4e0;stroke:#8a5a00;stroke-width:1.5}.database{fill:#e6f3ea;stroke:#256b3e;stroke-width:1.5}"
    ".shared{fill:#f2eef8;stroke:#66508f;stroke-width:1.2}"
    ".way{fill:none;stroke:#1b2733;stroke-width:2.2}.call{fill:none;stroke:#3b5b7c;stroke-width:1.4}"
    ".watch{fill:none;stroke:#66508f;stroke-width:1.6;stroke-dasharray:6 4}"
)
ARROWS = "".join(
    f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    f'<path d="M0 0 10 5 0 10z" fill="{colour}"/></marker>'
    for name, colour in (("way", "#1b2733"), ("call", "#3b5b7c"), ("watch", "#66508f"))
)


def diagram(model: DiagramModel) -> str:
    """The text of the SVG; equal models give equal texts."""
    return _Drawing(model).text()


def in_words(model: DiagramModel) -> str:
    """The content of the diagram in words, as its description."""
    calls: dict[str, list[str]] = {}
    for source, target in model.calls:
        calls.setdefault(source, []).append(target)
    services = [box for row in model.rows for box in row]
    sentences = [
        f"{model.edge.name}: {', '.join(model.edge.facts)}.",
        f"It reaches {len(services)} services in {model.task_subnets}:",
        *(f"{box.name} ({', '.join(box.facts)})." for box in services),
        *(f"{source} calls {', '.join(targets)}." for source, targets in calls.items()),
        f"{model.database.name} ({', '.join(model.database.facts)}) is reached by {', '.join(model.database_users)}.",
    ]
    if model.collector is not None:
        sentences.append(f"The {model.collector.name} reads every service's metrics.")
    sentences += [f"{box.name}: {', '.join(box.facts)}." for box in model.shared]
    return " ".join(sentences)


class _Drawing:
    """Lays the boxes out from top to bottom: edge, services row by row, database; shared resources at the right."""

    def __init__(self, model: DiagramModel) -> None:
        self.model = model
        self.rows = [
            row[start : start + MOST_IN_A_ROW] for row in model.rows for start in range(0, len(row), MOST_IN_A_ROW)
        ]
        widest = max([len(row) for row in self.rows], default=1)
        self.inner = max(widest, 2) * (CARD_WIDTH + GAP) + GAP
        self.left, self.top = MARGIN, 102
        self.services_top = self.top + CARD_HEIGHT + 48
        head = 40
        rows = len(self.rows)
        self.services_height = head + rows * CARD_HEIGHT + max(rows - 1, 0) * ROW_GAP + 26
        self.database_top = self.services_top + self.services_height + 48
        self.places = dict(self._places(self.services_top + head))
        self.side = self.left + self.inner + 56
        self.width = self.side + SIDE_WIDTH + MARGIN
        boxes = len(model.shared) + (model.collector is not None)
        self.height = max(self.database_top + CARD_HEIGHT + 84, self.services_top + boxes * 86 + MARGIN)

    def _places(self, top: float) -> Iterator[tuple[str, tuple[float, float]]]:
        for number, row in enumerate(self.rows):
            spare = self.inner - len(row) * (CARD_WIDTH + GAP) + GAP
            for place, box in enumerate(row):
                x = self.left + spare / 2 + place * (CARD_WIDTH + GAP)
                yield box.name, (x, top + number * (CARD_HEIGHT + ROW_GAP))

    def text(self) -> str:
        model = self.model
        title = f"Gatehouse, {model.stack} in {model.region}"
        notes = ["Arrows: who may open a connection to whom."]
        if model.examples:
            notes.append("A service that was never released is shown with an example.")
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" role="img" lang="en" '
            'aria-labelledby="title description">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(in_words(model))}</desc>',
            f"<defs><style>{STYLE}</style>{ARROWS}</defs>",
            f'<rect width="{self.width:g}" height="{self.height:g}" fill="#fff"/>',
            f'<text class="t" x="{self.left}" y="44">{escape(title)}</text>',
            *(
                f'<text class="f" x="{self.left}" y="{66 + number * LINE}">{escape(note)}</text>'
                for number, note in enumerate(notes)
            ),
            *self._zones(),
            *self._calls(),
            *self._ways(),
            *self._cards(),
            *self._around(),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _middle(self) -> float:
        return self.left + self.inner / 2

    def _zones(self) -> Iterator[str]:
        yield _zone(
            self.left, self.services_top, self.inner, self.services_height, f"ECS Fargate: {self.model.task_subnets}"
        )
        yield _zone(
            self.left,
            self.database_top,
            self.inner,
            CARD_HEIGHT + 56,
            self.model.database_subnets[:1].upper() + self.model.database_subnets[1:],
        )

    def _cards(self) -> Iterator[str]:
        middle = self._middle() - WIDE_CARD / 2
        yield _card(self.model.edge, middle, self.top, "edge", WIDE_CARD)
        for row in self.rows:
            for box in row:
                yield _card(box, *self.places[box.name], "card")
        yield _card(self.model.database, middle, self.database_top + 40, "database", WIDE_CARD)

    def _ways(self) -> Iterator[str]:
        """The connections that all services have, drawn once."""
        middle = self._middle()
        yield _arrow(
            f"M{middle:g} {self.top + CARD_HEIGHT} V{self.services_top - 3}", "way", "load balancer to services"
        )
        yield f'<text class="f" x="{middle + 12:g}" y="{self.services_top - 18}">by path, to healthy tasks</text>'
        bottom = self.services_top + self.services_height
        yield _arrow(f"M{middle:g} {bottom} V{self.database_top + 37}", "way", "services to database")
        absent = len([box for row in self.rows for box in row]) - len(self.model.database_users)
        who = (
            "every service, by its own role"
            if not absent
            else f"{', '.join(self.model.database_users)}; each by its own role"
        )
        yield f'<text class="f" x="{middle + 12:g}" y="{bottom + 30:g}">{escape(who)}</text>'

    def _calls(self) -> Iterator[str]:
        """From a caller's lower edge to the callee's upper edge, each at its own point."""
        leaving: dict[str, list[str]] = {}
        coming: dict[str, list[str]] = {}
        for source, target in self.model.calls:
            leaving.setdefault(source, []).append(target)
            coming.setdefault(target, []).append(source)
        rank = {box.name: number for number, row in enumerate(self.rows) for box in row}
        taken: dict[tuple[int, float], int] = {}
        for source, target in self.model.calls:
            x1 = self._point(source, target, leaving[source])
            x2 = self._point(target, source, coming[target])
            points = [(x1, self.places[source][1] + CARD_HEIGHT)]
            for number in range(rank[source] + 1, rank[target]):
                far = (number - rank[source]) / (rank[target] - rank[source])
                x = self._gap(number, x1 + (x2 - x1) * far, taken)
                top = self.places[self.rows[number][0].name][1]
                points += [(x, top), (x, top + CARD_HEIGHT)]
            points.append((x2, self.places[target][1] - 2))
            yield _arrow(_path(points), "call", f"{source} calls {target}")

    def _gap(self, number: int, wanted: float, taken: dict[tuple[int, float], int]) -> float:
        """X of a line between the cards of a row: in the gap nearest to `wanted`, beside other lines."""
        edges = [self.places[box.name][0] for box in self.rows[number]]
        gaps = [edges[0] - GAP / 2, *(edge + CARD_WIDTH + GAP / 2 for edge in edges)]
        gap = min(gaps, key=lambda each: (abs(each - wanted), each))
        place = taken[number, gap] = taken.get((number, gap), -1) + 1
        return gap + APART * ((place + 1) // 2) * (-1 if place % 2 else 1)

    def _point(self, name: str, other: str, others: list[str]) -> float:
        """Where on a card's edge the line to `other` starts: in the order of the other boxes."""
        ordered = sorted(others, key=lambda each: (self.places[each][0], each))
        return round(self.places[name][0] + CARD_WIDTH * (ordered.index(other) + 1) / (len(ordered) + 1), 1)

    def _around(self) -> Iterator[str]:
        y = float(self.services_top)
        if self.model.collector is not None:
            yield _card(self.model.collector, self.side, y, "around", SIDE_WIDTH, 74)
            right = self.left + self.inner
            yield _arrow(f"M{self.side} {y + 37:g} H{right + 3}", "watch", "collector reads metrics")
            yield _arrow(f"M{self.side + SIDE_WIDTH / 2:g} {y + 74:g} v10", "watch", "collector writes metrics")
            y += 86
        for box in self.model.shared:
            yield _card(box, self.side, y, "around", SIDE_WIDTH, 74)
            y += 86


def _path(points: list[tuple[float, float]]) -> str:
    """Curves between rows, straight lines past cards: pairs of points after the first."""
    drawn = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for number in range(1, len(points)):
        (x1, y1), (x2, y2) = points[number - 1], points[number]
        if number % 2:
            bend = (y2 - y1) * 0.6
            drawn.append(f"C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}")
        else:
            drawn.append(f"V{y2:g}")
    return " ".join(drawn)


def _card(
    box: DiagramBox, x: float, y: float, look: str, width: float = CARD_WIDTH, height: float = CARD_HEIGHT
) -> str:
    lines = [f'<text class="n" x="{x + 14:g}" y="{y + 26:g}">{escape(box.name)}</text>']
    lines += [
        f'<text class="f" x="{x + 14:g}" y="{y + 46 + number * LINE:g}">{escape(fact)}</text>'
        for number, fact in enumerate(box.facts[:3])
    ]
    shape = f'<rect class="{look}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8"/>'
    return f"<g>{shape}{''.join(lines)}</g>"


def _zone(x: float, y: float, width: float, height: float, label: str) -> str:
    shape = f'<rect class="zone" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="10"/>'
    return f'<g>{shape}<text class="p" x="{x + 14:g}" y="{y + 24:g}">{escape(label)}</text></g>'


def _arrow(path: str, look: str, label: str) -> str:
    return f'<path class="{look}" d="{path}" marker-end="url(#{look})"><title>{escape(label)}</title></path>'
