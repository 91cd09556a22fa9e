"""Traces in OpenTelemetry's form: off until a collector is named, and then one trace from a request to its effects.

Off, nothing of OpenTelemetry is imported and a span is one shared object that does nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

Kind = Literal["server", "client", "producer", "consumer", "internal"]
_NOTHING: AbstractContextManager[None] = nullcontext()
# Set once, when the process starts.
_tracer: "Tracer | None" = None


class Traced(Protocol):
    """What carries the trace that it belongs to, as an event does."""

    @property
    def type(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...


def start(service: str, version: str, collector: str) -> None:
    """Send this process's spans to `collector` (OTLP over HTTP); without one, do nothing at all.

    What else OpenTelemetry lets be set (sampler, batches, headers) it reads from its own variables, `OTEL_…`.
    """
    global _tracer  # noqa: PLW0603  # A process has one collector.
    if not collector:
        return
    # Nobody pays for these imports but who wants traces.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.namespace": "crm", "service.name": service, "service.version": version})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{collector.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("chassis")


def is_on() -> bool:
    return _tracer is not None


def span(
    name: str, kind: Kind = "internal", *, parent: str | None = None, **attributes: str | int
) -> AbstractContextManager[Any]:
    """A span around the block, below the one that is open, or below `parent`, a traceparent (W3C Trace Context).

    There is none without either: every trace begins at the gateway, and what no request has caused is none. Its
    attributes hold names and never values of records: a trace is read by people who may not read the data.
    """
    if _tracer is None or (parent is None and not _is_open()):
        return _NOTHING
    return _span(_tracer, name, kind, parent, attributes)


def statement(sql: str) -> AbstractContextManager[Any]:
    """A span around one statement, whose text has placeholders and no values."""
    if _tracer is None or not _is_open():
        return _NOTHING
    attributes: dict[str, str | int] = {"db_system_name": "postgresql", "db_query_text": sql}
    return _span(_tracer, sql.split(maxsplit=1)[0], "client", None, attributes)


def _is_open() -> bool:
    from opentelemetry.trace import get_current_span  # noqa: PLC0415  # See above.

    return get_current_span().is_recording()


@contextmanager
def _span(
    tracer: "Tracer", name: str, kind: Kind, parent: str | None, attributes: dict[str, str | int]
) -> Iterator[Any]:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415  # See above.

    given = {key.replace("_", "."): value for key, value in attributes.items()}
    with tracer.start_as_current_span(
        name,
        context=None if parent is None else _context(parent),
        kind=SpanKind[kind.upper()],
        attributes=given,
        # The text of an error may quote a record; its class says enough.
        record_exception=False,
    ) as opened:
        yield opened


def rename(name: str, **attributes: str | int) -> None:
    """Call the open span by what it turned out to be."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span  # noqa: PLC0415  # See above.

        opened = get_current_span()
        opened.update_name(name)
        opened.set_attributes({key.replace("_", "."): value for key, value in attributes.items()})


def traceparent() -> str | None:
    """The open span as what follows from it names it; None where there is none."""
    if _tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415  # See above.

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def consuming(events: Sequence[Traced]) -> AbstractContextManager[Any]:
    """A span for each of these events, each in the trace that it came from.

    What is done for all of them at once, such as one INSERT, is shown below the last.
    """
    if _tracer is None:
        return _NOTHING
    stack = ExitStack()
    for event in events:
        stack.enter_context(span(f"process {event.type}", "consumer", parent=event.traceparent))
    return stack


def published(types_and_parents: Sequence[tuple[str, str | None]], began: float, ended: float) -> None:
    """Note that events were handed to the broker at `began` and confirmed at `ended`, in Unix seconds."""
    if _tracer is None:
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415  # See above.

    for name, parent in types_and_parents:
        if parent is not None:
            begin = int(began * 1e9)
            opened = _tracer.start_span(f"publish {name}", _context(parent), SpanKind.PRODUCER, start_time=begin)
            opened.end(int(ended * 1e9))


def _context(parent: str) -> "Context":
    from opentelemetry.context import Context  # noqa: PLC0415  # See above.
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415  # See above.

    return TraceContextTextMapPropagator().extract({"traceparent": parent}, Context())
