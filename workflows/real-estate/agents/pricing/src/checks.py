"""What can be wrong with a listing on its own."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence_sdk import Finding

import cells
from listing import Listing, Row, Town

# Nothing older is still lived in, and nothing is sold earlier than this many
# years before it is built.
OLDEST, AHEAD = 1200, 3

# Square metres for each room: less is a cupboard, more a hall.
SMALLEST, LARGEST = 8, 80


def check(row: Row, listing: Listing, town: Town | None, as_of: int) -> Iterator[Finding]:
    """Looks at what the row says."""
    said = row.cells
    if listing.price is None:
        message = _wrong("price", said["price"], "no sum in euros")
        yield row.finding("price-unreadable", "high", "price", message)
    if cells.square_feet(said["area"]):
        message = f"the area is in square feet: {said['area'].strip()} are {listing.area} m²"
        yield row.finding("area-in-square-feet", "medium", "area", message)
    if listing.year is None or not OLDEST <= listing.year <= as_of + AHEAD:
        message = _wrong("year", said["year"], "no year in which a house was built")
        yield row.finding("impossible-year", "medium", "year", message)
    if not _rooms_fit(listing):
        message = _wrong("number of rooms", said["rooms"], f"too few or too many for {listing.area} m²")
        yield row.finding("rooms-do-not-fit", "medium", "rooms", message)
    if not listing.energy:
        message = _wrong("energy class", said["energy"], "none that the law knows")
        yield row.finding("energy-class-missing", "high", "energy", message)
    if town is None or said["postcode"].strip() not in town.postcodes:
        message = _wrong("postcode", said["postcode"], f"none of {listing.town}")
        yield row.finding("postcode-does-not-fit", "medium", "postcode", message)


def _rooms_fit(listing: Listing) -> bool:
    if not listing.rooms or not listing.area:
        return False
    return SMALLEST <= listing.area / listing.rooms <= LARGEST


def _wrong(what: str, said: str, why: str) -> str:
    """One sentence on what a cell says, or that it says nothing."""
    said = said.strip()
    return f"the {what} “{said}” is {why}" if said else f"the {what} is missing"
