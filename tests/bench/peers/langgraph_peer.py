"""A chain of steps and a fan-out of steps in LangGraph, in memory and with its
SQLite checkpointer. Prints seconds for each step, one JSON object a line."""

import json
import operator
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import MemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

STEPS = 1_000


class State(TypedDict):
    numbers: Annotated[list, operator.add]


def chain():
    graph = StateGraph(State)
    for step in range(STEPS):
        graph.add_node(f"t{step}", lambda state: {"numbers": []})
    graph.add_edge(START, "t0")
    for step in range(1, STEPS):
        graph.add_edge(f"t{step - 1}", f"t{step}")
    graph.add_edge(f"t{STEPS - 1}", END)
    return graph


def fan_out():
    graph = StateGraph(State)
    graph.add_node("each", lambda item: {"numbers": [item["number"]]})
    graph.add_conditional_edges(
        START, lambda state: [Send("each", {"number": n}) for n in range(STEPS)]
    )
    graph.add_edge("each", END)
    return graph


def measure(what, graph, saver, kind):
    app = graph.compile(checkpointer=saver)
    times = []
    for run in range(4):
        config = {
            "configurable": {"thread_id": f"{what}-{run}"},
            "recursion_limit": STEPS + 10,
        }
        start = time.perf_counter()
        app.invoke({"numbers": []}, config)
        times.append((time.perf_counter() - start) / STEPS)
    # The first warms up.
    print(json.dumps({"peer": f"LangGraph, {kind}", "what": what, "seconds": times[1:]}))


def main():
    for what, graph in [("chain", chain()), ("fan-out", fan_out())]:
        measure(what, graph, MemorySaver(), "in memory")
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            connection = sqlite3.connect(f"{folder}/checkpoints.db", check_same_thread=False)
            measure(what, graph, SqliteSaver(connection), "SQLite")
            connection.close()


main()
