"""The agent over all rows that ship: it finds what was planted for it, and nothing
else; and each of its parts."""

import csv
import json
import sys
import unittest
from pathlib import Path

from ringfence_sdk import Finding, InvalidInput, Location, Task
from ringfence_sdk.testing import TestHost

import cells
from agent import pricing
from wording import Wording

DATA = Path(__file__).parents[3]

OWN = {
    "price-unreadable",
    "area-in-square-feet",
    "impossible-year",
    "rooms-do-not-fit",
    "energy-class-missing",
    "postcode-does-not-fit",
}


def table(name):
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def towns():
    return {
        town["town"]: {"postcodes": town["postcodes"].split(), "guide": int(town["guide"])}
        for town in table("towns.csv")
    }


def rows():
    # The columns don't matter here: any will do that are apart.
    at = {"title": 100, "text": 1000}
    return [
        {"line": line, "at": {name: at.get(name, 1) for name in cells}, "cells": cells}
        for line, cells in enumerate(table("listings.csv"), 2)
    ]


def row(**changes):
    """A flat with nothing wrong."""
    said = {
        "id": "RE-1", "title": "Bright flat", "street": "Lindenstraße 12", "town": "Dornfelde",
        "postcode": "39017", "kind": "flat", "area": "80 m²", "rooms": "3", "year": "1988",
        "price": "€ 168.000", "energy": "D", "text": "One. Two is 3.5 long. Three!",
    } | changes
    at = {name: 1 for name in said} | {"title": 100, "text": 1000}
    return {"line": 7, "at": at, "cells": said}


def run(rows, feedback=(), **task):
    host = TestHost(Task(feedback=feedback, **task))
    return host.run(pricing, {"rows": rows, "towns": towns(), "as_of": 2026})


def asked(rule, column=1):
    return Finding(rule, "medium", f"because of {rule}", Location("listings.csv", 7, column))


def settled(*feedback, **changes):
    outcome = run([row(**changes)], feedback, round=2)
    return outcome.value["listings"][0], outcome.findings


class AllRows(unittest.TestCase):
    def setUp(self):
        self.expected = json.loads((DATA / "expected.json").read_text("utf-8"))

    def test_it_finds_what_was_planted_for_it_and_nothing_else(self):
        found = [(f.location.line, f.rule) for f in run(rows()).findings]
        planted = [(row["line"], row["fault"]) for row in self.expected if row["fault"] in OWN]
        self.assertEqual(found, planted)

    def test_every_price_and_area_is_read(self):
        for listing, row in zip(run(rows()).value["listings"], self.expected, strict=True):
            if row["fault"] != "price-unreadable":
                self.assertEqual(listing["price"], row["price"], row)
            self.assertEqual(listing["area"], row["area"], row)

    def test_the_estimate_is_near_the_price_of_what_has_no_fault(self):
        for listing, row in zip(run(rows()).value["listings"], self.expected, strict=True):
            if row["fault"] is None and row["decoy"] is None:
                self.assertAlmostEqual(listing["estimate"] / listing["price"], 1, delta=0.11, msg=row)


class Cells(unittest.TestCase):
    def test_prices(self):
        for text in ["€ 349.000", "349000 EUR", "349k", "349,000 €", "349.000,00 EUR",
                     "EUR 349 000", "0.349 Mio. €", " 0,349 mio €", "349000"]:
            self.assertEqual(cells.price(text), 349_000, text)
        for text in ["", "on request", "4.200 €/m²", "34.90.00 €", "€", "0", "-5", "12 or 13"]:
            self.assertIsNone(cells.price(text), text)

    def test_areas(self):
        for text in ["80", "80 m²", "80,0 qm", "80.4 m2", "861 sq ft", "861 sqft", "861 ft²"]:
            self.assertEqual(cells.area(text), 80, text)
        for text in ["", "large", "80 acres", "0", "-80"]:
            self.assertIsNone(cells.area(text), text)

    def test_years_rooms_and_classes(self):
        self.assertEqual([cells.year(t) for t in ["1987", "built 1987", "ca. 1987"]], [1987] * 3)
        self.assertEqual([cells.year(t) for t in ["", "old", "19 87"]], [None] * 3)
        self.assertEqual([cells.rooms(t) for t in ["3", "2,5", "2.5"]], [3, 2.5, 2.5])
        self.assertEqual([cells.rooms(t) for t in ["", "many", "3 or 4"]], [None] * 3)
        said = [cells.energy(t) for t in ["a+", "class C", "Exempt", "", "n/a", "Z"]]
        self.assertEqual(said, ["A+", "C", "exempt", "", "", ""])


class FirstRound(unittest.TestCase):
    def test_the_borders_are_kept_and_broken(self):
        good = [{"rooms": "10"}, {"rooms": "1"}, {"year": "1200"}, {"year": "2029"}]
        bad = [{"rooms": "10,5"}, {"rooms": "0"}, {"year": "1199"}, {"year": "2030"},
               {"area": "81", "rooms": "1"}]
        for change in good:
            self.assertEqual(run([row(**change)]).findings, [], change)
        for change in bad:
            self.assertEqual(len(run([row(**change)]).findings), 1, change)

    def test_nothing_is_changed_before_it_is_asked_for(self):
        outcome = run([row(postcode="39018", text="TBD. Fine.")])
        listing = outcome.value["listings"][0]
        self.assertEqual(listing["postcode"], "39018")
        self.assertEqual(listing["text"], "TBD. Fine.")
        self.assertEqual((listing["status"], listing["changes"]), ("listed", []))

    def test_a_message_says_what_the_cell_says(self):
        said = [run([row(energy=energy)]).findings[0].message for energy in ["", "Z"]]
        self.assertEqual(said, ["the energy class is missing",
                                "the energy class “Z” is none that the law knows"])

    def test_a_town_that_nobody_knows(self):
        rules = [finding.rule for finding in run([row(town="Atlantis")]).findings]
        self.assertEqual(rules, ["postcode-does-not-fit"])

    def test_an_input_that_does_not_fit_names_the_field(self):
        with self.assertRaisesRegex(InvalidInput, r"`input.rows\[0\].line`"):
            run([row() | {"line": "7"}])


class LaterRounds(unittest.TestCase):
    def test_what_a_machine_may_mend_is_mended_and_told_again(self):
        listing, findings = settled(asked("postcode-does-not-fit"), postcode="39018")
        self.assertEqual((listing["postcode"], listing["status"]), ("39017", "listed"))
        self.assertEqual(listing["changes"], ["the postcode was 39018"])
        self.assertEqual([(f.rule, f.severity.value) for f in findings],
                         [("postcode-does-not-fit", "info")])

    def test_a_sentence_is_left_out(self):
        listing, _ = settled(asked("contact-in-text", 1000 + 8))
        self.assertEqual(listing["text"], "One. Three!")
        both, _ = settled(asked("contact-in-text", 1000), asked("unprovable-claim", 1000 + 22))
        self.assertEqual(both["text"], "Two is 3.5 long.")

    def test_capitals_become_small(self):
        listing, _ = settled(asked("shouting", 100), title="BRIGHT FLAT BY THE PARK")
        self.assertEqual(listing["title"], "Bright flat by the park")

    def test_the_rest_is_withdrawn_with_the_reason(self):
        for rule in ["price-outlier", "discriminatory-wording", "a-rule-of-tomorrow"]:
            listing, _ = settled(asked(rule))
            self.assertEqual(listing["status"], "withdrawn")
            self.assertEqual(listing["reasons"], [f"because of {rule}"])
        listing, _ = settled(asked("duplicate-listing"))
        self.assertEqual(listing["status"], "duplicate")
        both, _ = settled(asked("price-outlier"), asked("duplicate-listing"))
        self.assertEqual((both["status"], len(both["reasons"])), ("withdrawn", 2))

    def test_a_text_of_which_nothing_is_left_is_withdrawn(self):
        listing, _ = settled(asked("placeholder-text", 1000), text="Text follows.")
        self.assertEqual(listing["reasons"], ["nothing is left of its text"])
        nowhere, _ = settled(asked("unprovable-claim", 5))
        self.assertEqual(nowhere["status"], "withdrawn")

    def test_what_nobody_asked_for_is_found_as_before(self):
        _, findings = settled(asked("shouting", 100), energy="")
        self.assertEqual([(f.rule, f.severity.value) for f in findings],
                         [("shouting", "info"), ("energy-class-missing", "high")])

    def test_a_finding_that_several_reviewers_have_is_settled_once(self):
        listing, findings = settled(asked("price-outlier"), asked("price-outlier"))
        self.assertEqual((len(listing["reasons"]), len(findings)), (1, 1))


class Sentences(unittest.TestCase):
    def test_a_text_stays_what_it_is(self):
        for text in ["One. Two is 3.5 long. Three!", "", "no. 4 and ca. 1905", 'It is "the mill". So.']:
            self.assertEqual(Wording(text).text(), text)


if __name__ == "__main__":
    sys.exit(unittest.main())
