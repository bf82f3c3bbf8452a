"""Does what reviewers asked for: mends what a machine may mend, and withdraws the
rest until a person has looked at it."""

from __future__ import annotations

from ringfence_sdk import Finding

from listing import Listing, Town
from wording import Wording, at_place

# What the catalogue says was done about a text.
LEFT_OUT = {
    "unprovable-claim": "a claim was left out",
    "contact-in-text": "contact details were left out",
    "placeholder-text": "a placeholder was left out",
}


def settle(listing: Listing, asked: list[Finding], town: Town | None) -> list[Finding]:
    """Settles each finding, and gives them back."""
    fields = {name: Wording(getattr(listing, name)) for name in ("title", "text")}
    for finding in asked:
        change = _mend(listing, finding, town, fields)
        if change is not None:
            listing.changes.append(change)
        elif finding.rule == "duplicate-listing":
            _take_out(listing, "duplicate", finding.message)
        else:
            _take_out(listing, "withdrawn", finding.message)
    for name, wording in fields.items():
        setattr(listing, name, wording.text())
        if asked and not getattr(listing, name):
            _take_out(listing, "withdrawn", f"nothing is left of its {name}")
    return asked


def _mend(
    listing: Listing, finding: Finding, town: Town | None, fields: dict[str, Wording]
) -> str | None:
    """What was mended, or `None` where only a person may."""
    match finding.rule:
        case "area-in-square-feet":
            return "the area was given in square feet"
        case "postcode-does-not-fit" if town:
            said, listing.postcode = listing.postcode, town.postcodes[0]
            return f"the postcode was {said}"
        case "shouting":
            if place := at_place(listing, finding):
                fields[place.field].quieten()
                return f"the {place.field} was in capitals"
        case rule if rule in LEFT_OUT:
            if place := at_place(listing, finding):
                fields[place.field].leave_out(place.offset)
                return LEFT_OUT[rule]
    return None


def _take_out(listing: Listing, status: str, reason: str) -> None:
    # What a person has to look at stays withdrawn, also if it is told twice.
    if listing.status != "withdrawn":
        listing.status = status
    listing.reasons.append(reason)
