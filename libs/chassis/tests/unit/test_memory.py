"""What a web process loads before it forks: nothing that only other processes, or nobody here, has a use for."""

import subprocess
import sys

_LOADED = """
import sys
import chassis.__main__, chassis.web.gunicorn
from chassis.service import load
load("audit")
print(*(name for name in ("alembic", "pika", "opentelemetry", "rich", "requests", "hypothesis") if sys.modules.get(name)))
"""


def test_a_web_process_loads_nothing_that_it_has_no_use_for():
    command = [sys.executable, "-c", _LOADED]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []
