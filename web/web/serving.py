"""The application of the process `web`, for gunicorn."""

import os
from pathlib import Path
from typing import Any

from web.app import application


def create_app() -> Any:
    """The WSGI application over the folder that the process has built: WEB_FOLDER."""
    return application(Path(os.environ["WEB_FOLDER"]))
