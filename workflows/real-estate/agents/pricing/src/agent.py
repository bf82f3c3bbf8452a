"""The agent of the role `pricing`: cleans a shard of rows and estimates prices.

In the first round it changes nothing that a seller wrote, and says what is wrong.
In later rounds it settles what the reviewers asked for: it mends what a machine
may mend, and withdraws what a person has to look at.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from ringfence_sdk import Completed, Context, Finding, agent

from checks import check
from estimate import estimate
from listing import Listing, Row, Town
from settle import settle


@dataclass
class Input:
    """A shard of rows, the towns, and the year in which it is now."""

    rows: list[Row]
    towns: dict[str, Town]
    as_of: int


@agent(name="pricing", version="1.0.0", roles=["pricing"])
def pricing(input: Input, cx: Context) -> Completed:
    """Cleans listings, estimates their prices, and settles what reviewers found."""
    asked = by_line(cx.task.feedback)
    listings, findings = [], []
    for row in input.rows:
        town = input.towns.get(row.cells["town"].strip())
        listing = Listing.read(row)
        listing.estimate = estimate(listing, town)
        settled = settle(listing, asked[row.line], town)
        found = check(row, listing, town, input.as_of)
        rules = {finding.rule for finding in settled}
        listings.append(listing)
        # Feedback is what the round before had to say, and nothing older; so what
        # is settled is told again, as something worth knowing.
        findings += [replace(finding, severity="info") for finding in settled]
        findings += [finding for finding in found if finding.rule not in rules]
    cx.log.info("cleaned", rows=len(listings), findings=len(findings))
    return Completed({"listings": listings}, findings=findings)


def by_line(feedback: list[Finding]) -> dict[int, list[Finding]]:
    """What was found, each once: several reviewers may say the same."""
    lines: dict[int, dict[tuple[str, int], Finding]] = defaultdict(dict)
    for finding in feedback:
        if place := finding.location:
            lines[place.line].setdefault((finding.rule, place.column), finding)
    return defaultdict(list, {line: list(found.values()) for line, found in lines.items()})
