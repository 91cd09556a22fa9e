"""Requests counted and timed per route; prometheus_client's multiprocess mode adds the workers of a server up."""

from prometheus_client import Counter, Histogram

_REQUESTS = Counter("crm_http_requests_total", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram(
    "crm_http_request_seconds",
    "Time to answer a request, without the gateway.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_counters: dict[tuple[str, str, int], Counter] = {}
_histograms: dict[tuple[str, str], Histogram] = {}


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request. The labels are bounded: route templates, never paths, tenants or users."""
    # Several threads may meet a route at the same time; what `labels` gives them is one and the same.
    counter = _counters.get((method, route, status))
    if counter is None:
        counter = _counters[method, route, status] = _REQUESTS.labels(method, route, str(status))
    histogram = _histograms.get((method, route))
    if histogram is None:
        histogram = _histograms[method, route] = _SECONDS.labels(method, route)
    counter.inc()
    histogram.observe(seconds)
