"""Memory that threads have used is used again by the others."""

import subprocess
import sys

# Each thread in turn needs 32 MiB in pieces, and keeps the last of them, behind which nothing goes back to the system.
PROGRAM = """
import sys
import threading
from pathlib import Path

from chassis import allocator

if sys.argv[1] == "shared":
    allocator.give_back()

def use(done, end):
    pieces = [bytes(4096) for _ in range(8 * 1024)]
    kept = pieces[-1]
    del pieces
    done.set()
    end.wait()
    return kept

end = threading.Event()
threads = []
for _ in range(8):
    done = threading.Event()
    threads.append(threading.Thread(target=use, args=(done, end)))
    threads[-1].start()
    done.wait()
[resident] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
end.set()
print(int(resident.split()[1]) // 1024)
"""


def resident(how: str) -> int:
    """MiB of a process that had eight threads at work, one after the other."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True, timeout=60)
    return int(run.stdout)


def test_threads_do_not_each_keep_the_most_that_they_ever_needed() -> None:
    assert resident("shared") < resident("apart") / 2
