"""A collector of traces: what the programs of a stack send it, by trace."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATIENCE = 90


class Collector:
    """Takes OTLP over HTTP, as any collector does, and keeps what it gets: pairs of a service's name and a span."""

    def __init__(self):
        self.spans = []
        self._news = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
                collector.take(self.path, sent)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path, sent):
        assert path == "/v1/traces"
        with self._news:
            for resource in sent.resource_spans:
                names = {one.key: one.value.string_value for one in resource.resource.attributes}
                spans = [span for scope in resource.scope_spans for span in scope.spans]
                self.spans += [(names["service.name"], span) for span in spans]
            self._news.notify_all()

    def trace(self, trace_id, wanted):
        """The spans of a trace as soon as `wanted` of them is true."""
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while not wanted(found := [(name, span) for name, span in self.spans if span.trace_id.hex() == trace_id]):
                assert self._news.wait(deadline - time.monotonic()), sorted((n, s.name) for n, s in found)
            return found

    def close(self):
        self._server.shutdown()
        self._server.server_close()
