"""wrk, run for some seconds, and what it measured."""

import itertools
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
_SCRIPT = Path(__file__).with_name("rotate.lua")
_runs = itertools.count(1)


@dataclass(frozen=True)
class Round:
    """One run: requests per second, latencies in milliseconds, and the requests that got no success.

    `failures` counts these by what happened: no connection (`connect`), one that was lost (`read`, `write`), no answer
    in time (`timeout`), an answer of 400 and above (`status`).
    """

    rate: float
    p50: float
    p99: float
    failures: dict[str, int]

    @property
    def failed(self) -> int:
        return sum(self.failures.values())


def run(url: str, questions: Path, seconds: int, connections: int = CONNECTIONS) -> Round:
    """Ask the questions of a file at `url` (scheme, host and port). One thread, so that wrk takes one core at most."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("the benchmark needs wrk. Install it with: apt-get install wrk")
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "15s", "-s", str(_SCRIPT), url]
    done = subprocess.run(
        [*command, "--", str(questions), str(next(_runs))], capture_output=True, text=True, check=True
    )
    line = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{"))
    values = json.loads(line)
    return Round(
        rate=values["requests"] / values["microseconds"] * 1e6,
        p50=values["p50"] / 1000,
        p99=values["p99"] / 1000,
        failures=values["failures"],
    )
