"""Traces: one POST is one trace, over gateway, service, SQL, outbox, relay and consumers, read from a collector."""

import json
import time
import uuid

import pytest
import requests
from e2e.collector import PATIENCE
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from chassis.testing.waiting import wait_until

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture(scope="module")
def api(guarded):
    return f"{guarded.gateway_url}/v1"


@pytest.fixture(scope="module")
def headers(api):
    mark = uuid.uuid4().hex[:12]
    user = {
        "email": f"ada@{mark}.example",
        "password": "correct horse battery",
        "first_name": "Ada",
        "last_name": "Lovelace",
    }
    body = {"company": {"name": mark, "email": f"info@{mark}.example"}, "user": user}
    registered = requests.post(f"{api}/auth/register", json=body, timeout=30)
    assert registered.status_code == 201, registered.text
    return {"Authorization": f"Bearer {registered.json()['access_token']}"}


def logged(stack, request_id):
    """The gateway's line of a request."""
    log = stack.home / "logs" / "gateway.log"
    lines = wait_until(lambda: [line for line in log.read_text().splitlines() if request_id in line], PATIENCE)
    return json.loads(lines[0][lines[0].index("{") :])


def create_traced(api, stack, headers, collector, name):
    """The gateway's span and the whole trace of the creation of a customer."""
    wanted = {
        ("customers", Span.SPAN_KIND_SERVER),
        ("customers", Span.SPAN_KIND_CLIENT),
        ("customers", Span.SPAN_KIND_PRODUCER),
        ("audit", Span.SPAN_KIND_CONSUMER),
    }
    # The statement for a whole batch is in the trace of its last event, which may be another one, as of registering.
    for _ in range(10):
        created = requests.post(f"{api}/customers", json={"name": name}, headers=headers, timeout=10)
        assert created.status_code == 201
        _, trace_id, gateway, _ = logged(stack, created.headers["X-Request-Id"])["traceparent"].split("-")
        # A span is sent when it ends, so the statement's came before the one that it belongs to.
        found = collector.trace(trace_id, lambda found: {(name, span.kind) for name, span in found} >= wanted)
        if any((name, span.kind) == ("audit", Span.SPAN_KIND_CLIENT) for name, span in found):
            return gateway, found
    raise AssertionError("no event of a customer was the last of its batch")


def test_one_post_is_one_trace_from_the_gateway_to_the_audit_log(api, guarded, headers, collector):
    secret = "Ada of no trace"
    gateway, found = create_traced(api, guarded, headers, collector, secret)
    by_name = {(name, span.name): span for name, span in found}
    server = by_name["customers", "POST /v1/customers"]
    published = by_name["customers", "publish crm.customer.created.v1"]
    consumed = by_name["audit", "process crm.customer.created.v1"]
    assert server.parent_span_id.hex() == gateway
    assert published.parent_span_id == consumed.parent_span_id == server.span_id
    texts = [
        (span.parent_span_id, one.value.string_value)
        for _, span in found
        for one in span.attributes
        if one.key == "db.query.text"
    ]
    assert any("outbox" in text for parent, text in texts if parent == server.span_id)
    assert any("audit_logs" in text for parent, text in texts if parent == consumed.span_id)
    # The names of things, and nothing of anybody's data.
    assert secret not in str(found)
    assert server.start_time_unix_nano <= published.end_time_unix_nano <= time.time_ns()


def test_a_trace_that_a_client_has_begun_goes_on(api, headers, collector):
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    given = {**headers, "traceparent": f"00-{trace_id}-{span_id}-01"}
    assert requests.get(f"{api}/customers", headers=given, timeout=10).status_code == 200
    found = collector.trace(trace_id, lambda found: any(span.name == "GET /v1/customers" for _, span in found))
    server = next(span for _, span in found if span.name == "GET /v1/customers")
    assert server.parent_span_id.hex() == span_id


@pytest.mark.parametrize("given", ["00-a-b-01", "00-" + "A" * 32 + "-" + "a" * 16 + "-01", "-" * 55])
def test_what_is_no_trace_is_replaced_by_one(api, guarded, headers, given):
    answer = requests.get(f"{api}/customers", headers={**headers, "traceparent": given}, timeout=10)
    assert answer.status_code == 200
    version, trace_id, span_id, flags = logged(guarded, answer.headers["X-Request-Id"])["traceparent"].split("-")
    assert (version, len(trace_id), len(span_id), flags) == ("00", 32, 16, "01")
    assert int(trace_id, 16) != 0
