"""What a query string asks for, told without reading it where it does not ask."""


def may_ask(query_string: bytes, *names: bytes) -> bool:
    """Whether one of these parameters may be in a query string; where it is not said plainly, an escape may hide it."""
    return b"%" in query_string or any(name in query_string for name in names)
