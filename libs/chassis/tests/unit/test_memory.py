"""What a process loads: nothing that only other processes, or nobody here, has a use for."""

import subprocess
import sys

_LOADED = """
import sys
import chassis.__main__, chassis.web.gunicorn
import audit.wsgi
audit.wsgi.SERVICE.blueprints()
print(*(name for name in ("alembic", "pika", "opentelemetry", "rich", "requests", "hypothesis") if sys.modules.get(name)))
"""

_LOADED_BY_A_WORKER = """
import sys
import chassis.__main__, chassis.broker.worker
from chassis.service import load
load("audit")
other = ("alembic", "flask", "flask_smorest", "gunicorn", "opentelemetry", "rich", "werkzeug")
print(*(name for name in other if sys.modules.get(name)))
"""


def test_a_web_process_loads_nothing_that_it_has_no_use_for():
    command = [sys.executable, "-c", _LOADED]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []


def test_a_worker_loads_nothing_of_the_web():
    command = [sys.executable, "-c", _LOADED_BY_A_WORKER]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []
