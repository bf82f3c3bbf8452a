"""A chain of steps and a fan-out of steps in DBOS on SQLite. Prints seconds for
each step, one JSON object a line."""

import asyncio
import json
import tempfile
import time
from pathlib import Path

from dbos import DBOS

STEPS = 1_000


@DBOS.step()
async def step(number):
    return number


@DBOS.workflow()
async def chain():
    for number in range(STEPS):
        await step(number)


@DBOS.workflow()
async def fan_out():
    return len(await asyncio.gather(*(step(number) for number in range(STEPS))))


async def measure(what, workflow):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        await workflow()
        times.append((time.perf_counter() - start) / STEPS)
    print(json.dumps({"peer": "DBOS, SQLite", "what": what, "seconds": times[1:]}), flush=True)


async def main():
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        DBOS(
            config={
                "name": "bench",
                "system_database_url": f"sqlite:///{folder}/dbos.sqlite",
                "log_level": "ERROR",
            }
        )
        DBOS.launch()
        await measure("chain", chain)
        await measure("fan-out", fan_out)
        DBOS.destroy()


asyncio.run(main())
