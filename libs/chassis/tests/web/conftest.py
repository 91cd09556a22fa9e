"""A web process of gunicorn, for tests of what it does itself."""

import contextlib
import os
import socket
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def web_process(migrated, jwks_url, tmp_path_factory):
    """Run a module that makes the audit service's `app` as `python -m chassis web` does; its address and process."""

    @contextlib.contextmanager
    def run(application, *options, **environment):
        folder = tmp_path_factory.mktemp("web")
        (folder / "served.py").write_text(application)
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
            address = probe.getsockname()
        known = os.environ | {
            "DATABASE_URL": migrated("audit").app,
            "JWKS_URL": jwks_url,
            "CURSOR_SECRET": "c" * 32,
            "INGEST_DATABASE_URL": migrated("audit").ingest,
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
            "PYTHONPATH": str(folder),
        }
        command = [sys.executable, "-m", "gunicorn", "--config", "python:chassis.web.gunicorn"]
        command += ["--bind", f"127.0.0.1:{address[1]}", *options, "served:app"]
        process = subprocess.Popen(command, env=known | environment, stdout=subprocess.DEVNULL)
        try:
            yield address, process
        finally:
            process.terminate()
            process.wait(20)

    return run
