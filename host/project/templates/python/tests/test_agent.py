import unittest

from agent import greet
from ringfence_sdk.testing import TestHost


class Greeting(unittest.TestCase):
    """Runs natively: quick, and a debugger works."""

    def test_greets_by_name(self) -> None:
        host = TestHost()
        outcome = host.run(greet, {"name": "Ada"})
        self.assertEqual(outcome.value, {"text": "Hello, Ada!"})
        self.assertEqual(host.lines, [("info", "greeting somebody", {})])
