"""A chain of activities and a fan-out of activities in Temporal's dev server on a
file. Prints seconds for each activity, one JSON object a line."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

CHAIN = 100
FAN_OUT = 1_000


@activity.defn
async def step(number: int) -> int:
    return number


@workflow.defn
class Chain:
    @workflow.run
    async def run(self, steps: int) -> int:
        for number in range(steps):
            await workflow.execute_activity(
                step, number, start_to_close_timeout=timedelta(seconds=30)
            )
        return steps


@workflow.defn
class FanOut:
    @workflow.run
    async def run(self, steps: int) -> int:
        each = [
            workflow.execute_activity(
                step, number, start_to_close_timeout=timedelta(seconds=30)
            )
            for number in range(steps)
        ]
        return len(await asyncio.gather(*each))


async def measure(client, what, run, steps):
    times = []
    for number in range(3):
        start = time.perf_counter()
        await client.execute_workflow(run, steps, id=f"{what}-{number}", task_queue="bench")
        times.append((time.perf_counter() - start) / steps)
    print(
        json.dumps({"peer": "Temporal, dev server", "what": what, "seconds": times[1:]}),
        flush=True,
    )


async def connect(port):
    for _ in range(100):
        try:
            return await Client.connect(f"127.0.0.1:{port}")
        except Exception:
            await asyncio.sleep(0.2)
    raise SystemExit("the dev server does not answer")


async def main():
    program = Path(sys.executable).parent / "temporal"
    program = program if program.exists() else shutil.which("temporal")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        server = subprocess.Popen(
            [program, "server", "start-dev", "--headless", "--port", str(port)]
            + ["--db-filename", f"{folder}/temporal.db", "--log-level", "error"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            client = await connect(port)
            async with Worker(
                client,
                task_queue="bench",
                workflows=[Chain, FanOut],
                activities=[step],
            ):
                await measure(client, "chain", Chain.run, CHAIN)
                await measure(client, "fan-out", FanOut.run, FAN_OUT)
        finally:
            server.terminate()
            server.wait()


# The server's sandbox for workflows imports this file again.
if __name__ == "__main__":
    asyncio.run(main())
