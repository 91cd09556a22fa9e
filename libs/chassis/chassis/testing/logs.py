"""How tests log: one line an event, and a traceback as Python writes it.

structlog's own default renders every frame with its local variables, which takes longer than the request that failed.
"""

import structlog


def configure() -> None:
    """Put structlog back to what tests see, whatever one of them configured."""
    structlog.reset_defaults()
    *others, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, renderer])
