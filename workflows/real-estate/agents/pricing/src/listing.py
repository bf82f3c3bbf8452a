"""A row of the file, and the listing that is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringfence_sdk import Finding, Location

import cells

FILE = "listings.csv"


@dataclass
class Town:
    """Its postcodes, and what a square metre of a middling flat costs in euros."""

    postcodes: list[str]
    guide: int


@dataclass
class Row:
    """A row word for word. `at` has the columns at which the cells begin."""

    line: int
    at: dict[str, int]
    cells: dict[str, str]

    def finding(self, rule: str, severity: str, cell: str, message: str) -> Finding:
        """Something to say about a cell."""
        return Finding(rule, severity, message, Location(FILE, self.line, self.at[cell]))


@dataclass
class Listing:
    """A cleaned row. What could not be read is `None`."""

    line: int
    at: dict[str, int]
    id: str
    title: str
    street: str
    town: str
    postcode: str
    kind: str
    area: int | None
    rooms: float | None
    year: int | None
    price: int | None
    energy: str
    text: str
    estimate: int | None = None
    # `listed`, `withdrawn` or `duplicate`; and if it is not listed, why.
    status: str = "listed"
    reasons: list[str] = field(default_factory=list)
    # What was mended.
    changes: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, row: Row) -> Listing:
        """What the cells say."""
        said = row.cells
        texts = {
            name: " ".join(said[name].split())
            for name in ("id", "street", "town", "postcode", "kind")
        }
        return cls(
            line=row.line,
            at=row.at,
            **texts,
            # As they are: findings point at places in them.
            title=said["title"],
            text=said["text"],
            area=cells.area(said["area"]),
            rooms=cells.rooms(said["rooms"]),
            year=cells.year(said["year"]),
            price=cells.price(said["price"]),
            energy=cells.energy(said["energy"]),
        )
