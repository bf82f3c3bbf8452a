"""Reads what sellers write into cells. What cannot be read is `None`."""

from __future__ import annotations

import re

SQUARE_FEET_IN_A_METRE = 10.7639

CLASSES = ("A+", "A", "B", "C", "D", "E", "F", "G", "H")

# Protected houses need no certificate.
EXEMPT = "exempt"

_PRICE = re.compile(r"(?:€|EUR)?\s*([\d.,\s]*\d)\s*(k|Mio\.?)?\s*(?:€|EUR)?", re.IGNORECASE)
_AREA = re.compile(r"(\d+(?:[.,]\d+)?)\s*(m²|m2|qm|sqm)?", re.IGNORECASE)
_FEET = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:sq\.?\s*ft\.?|ft²|ft2)", re.IGNORECASE)
_ROOMS = re.compile(r"\d+(?:[.,]\d)?")
_YEAR = re.compile(r"(?:built|ca\.)?\s*(\d+)", re.IGNORECASE)
_ENERGY = re.compile(r"(?:class\s+)?(\S+)", re.IGNORECASE)


def price(text: str) -> int | None:
    """Euros: `€ 349.000`, `349000 EUR`, `349k`, `1.249 Mio. €`."""
    if not (match := _PRICE.fullmatch(text.strip())):
        return None
    digits, unit = re.sub(r"\s", "", match[1]), (match[2] or "").lower()
    if unit:
        factor = 1_000 if unit == "k" else 1_000_000
        return _whole(_decimal(digits) * factor)
    # A mark before the last two digits begins the cents; others group thousands.
    digits = re.sub(r"[.,]\d\d$", "", digits)
    if not re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+|\d+", digits):
        return None
    return int(re.sub(r"[.,]", "", digits)) or None


def area(text: str) -> int | None:
    """Square metres: `80`, `80 m²`, `80,0 qm`, and square feet as what they are."""
    if feet := square_feet(text):
        return _whole(feet / SQUARE_FEET_IN_A_METRE)
    match = _AREA.fullmatch(text.strip())
    return _whole(_decimal(match[1])) or None if match else None


def square_feet(text: str) -> float | None:
    """Square feet, if that is what it is: `861 sq ft`."""
    match = _FEET.fullmatch(text.strip())
    return _decimal(match[1]) if match else None


def rooms(text: str) -> float | None:
    """Rooms, halves too: `3`, `2,5`."""
    return _decimal(text.strip()) if _ROOMS.fullmatch(text.strip()) else None


def year(text: str) -> int | None:
    """A year, whatever it is: `1987`, `built 1987`, `ca. 1905`."""
    match = _YEAR.fullmatch(text.strip())
    # More digits than a year ever has would be more than the host's numbers hold.
    return int(match[1][:6]) if match else None


def energy(text: str) -> str:
    """A class, `exempt`, or nothing where it says neither."""
    match = _ENERGY.fullmatch(text.strip())
    said = match[1] if match else ""
    if said.lower() == EXEMPT:
        return EXEMPT
    return said.upper() if said.upper() in CLASSES else ""


def _decimal(digits: str) -> float:
    return float(digits.replace(",", "."))


def _whole(number: float) -> int:
    return int(number + 0.5)
