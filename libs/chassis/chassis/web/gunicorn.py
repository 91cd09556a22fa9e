"""gunicorn's settings: threads, deadlines, metrics on a port of their own. Read by gunicorn as a module."""

import gc
import os
import shutil
from typing import Any

from prometheus_client import CollectorRegistry, multiprocess, start_http_server

from chassis.web import draining
from chassis.web.server import begin

worker_class = "chassis.web.worker.Worker"
# Deadlines nest: gateway 15 s > this 12 s > statement 5 s > lock 2 s.
timeout = 12
graceful_timeout = 25  # After it has drained.
# The gateway closes the connections that it does not need, half of them every five seconds. One that closed here might
# be one on which it is just sending.
keepalive = 3600
backlog = 512
# One shared control socket per user is gunicorn's default; several services on one machine would contend for it.
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
# The application is made before the fork, so that workers share all that they do not change with the arbiter. Threads
# and connections do not survive a fork: they are made in each worker, from `begin` on.
preload_app = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108  # Heartbeats touch a file often.


def when_ready(server: Any) -> None:
    """Serve the sum of all workers' metrics from the arbiter, which answers no requests itself; have it drain."""
    # A collection would write to every object that the workers share with the arbiter.
    gc.collect()
    gc.freeze()
    gc.enable()
    bind = os.environ.get("METRICS_BIND", "")
    if bind:
        host, _, port = bind.rpartition(":")
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # It ships no types.
        start_http_server(int(port), host, registry)
    # gunicorn has no hook before its workers are told to end; new workers (SIGHUP) are no end.
    server.handle_term = draining.drain_before(server.handle_term)


def post_worker_init(worker: Any) -> None:
    """Have a worker check its database before it answers; what it raises here ends the process."""
    begin(worker.wsgi)


def pre_request(worker: Any, req: Any) -> None:  # noqa: ARG001  # gunicorn's signature.
    """Close connections with their next answer while the process drains."""
    if draining.is_draining():
        req.force_close()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001  # gunicorn's signature.
    """Forget the gauges of a worker that is gone."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # It ships no types.


def on_exit(server: Any) -> None:  # noqa: ARG001  # gunicorn's signature.
    """Remove the metrics' files: they count one run."""
    shutil.rmtree(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""), ignore_errors=True)
