"""Traces that are off: nothing is loaded for them, and a span is nothing."""

import subprocess
import sys

from chassis import tracing

_LOOK = """
import sys
from chassis import tracing
import chassis.web.server, chassis.broker.worker
tracing.start("customers", "1", "")
assert not tracing.is_on() and tracing.traceparent() is None
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""


def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_span_is_the_same_nothing() -> None:
    nothing = tracing.span("a")
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert tracing.span("b", "server", parent=parent, http_route="/v1") is nothing
    assert tracing.statement("SELECT 1") is nothing
    assert tracing.consuming([]) is nothing
    with nothing, nothing:
        tracing.rename("c")
        tracing.published([("crm.customer.created.v1", parent)], 0.0, 1.0)
