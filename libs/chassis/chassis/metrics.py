"""Prometheus metrics of relay, consumer and service clients; names follow prometheus.io/docs/practices/naming."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

RELAY_PUBLISHED = Counter("crm_relay_published", "Events that the broker confirmed and the outbox marked.")
RELAY_FAILURES = Counter("crm_relay_failures", "Publishes that were not confirmed.", ["outcome"])
RELAY_ACTIVE = Gauge("crm_relay_active", "1 while this process holds the relay's lock, 0 on standby.")
OUTBOX_BACKLOG = Gauge("crm_outbox_backlog", "Unpublished events in the outbox.")
OUTBOX_OLDEST = Gauge("crm_outbox_oldest_unpublished_seconds", "Age of the oldest unpublished event.")
OUTBOX_STUCK = Gauge("crm_outbox_stuck", "Unpublished events after 20 attempts or more.")
CONFIRM_SECONDS = Histogram(
    "crm_relay_confirm_seconds",
    "From handing a batch to the broker to its last confirm.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

CONSUMER_EVENTS = Counter("crm_consumer_events", "Messages by what became of them.", ["result"])
CONSUMER_BATCH = Histogram(
    "crm_consumer_batch_messages", "Messages per transaction.", buckets=(1, 2, 5, 10, 20, 50, 100, 200)
)
CONSUMER_SECONDS = Histogram(
    "crm_consumer_batch_seconds",
    "From the first message of a batch to its commit.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
EVENT_AGE = Histogram(
    "crm_consumer_event_age_seconds",
    "From an event's time at its producer to the commit of its effect here.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 30, 60, 300, 3600),
)
SERVICE_REQUESTS = Counter("crm_service_requests", "Questions to other services.", ["service", "result"])
SCHEDULE_RUNS = Counter("crm_schedule_runs", "Turns of the periodic jobs.", ["job", "result"])


def show_from_zero(counter: Counter, results: Iterable[str], *labels: str) -> None:
    """Show a series of each result before its first event: where a series begins with 1, no rule sees it rise."""
    for result in results:
        counter.labels(*labels, result)
