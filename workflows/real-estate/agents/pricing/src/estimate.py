"""What a listing should cost: the guide price of its town, times what its age,
its energy class and its kind make of it."""

from __future__ import annotations

from cells import CLASSES, EXEMPT
from listing import Listing, Town

# From here on a newer house costs more, until it costs this much more.
OLD, NEW = 1950, 2026
AGE_FROM, AGE_TO = 0.85, 1.15

# The best class; each that follows costs so much less.
BEST_CLASS, CLASS_STEP = 1.09, 0.03

KINDS = {"flat": 1.0, "house": 0.92}


def estimate(listing: Listing, town: Town | None) -> int | None:
    """Whole thousands of euros; `None` where something is not known."""
    if town is None or not listing.area or listing.year is None:
        return None
    if listing.kind not in KINDS or not listing.energy:
        return None
    age = min(max(listing.year - OLD, 0) / (NEW - OLD), 1.0)
    factor = AGE_FROM + (AGE_TO - AGE_FROM) * age
    factor *= _energy(listing.energy) * KINDS[listing.kind]
    return int(town.guide * listing.area * factor / 1000 + 0.5) * 1000


def _energy(energy: str) -> float:
    return 1.0 if energy == EXEMPT else BEST_CLASS - CLASS_STEP * CLASSES.index(energy)
