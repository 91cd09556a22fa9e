"""The process `web` and the commands around it: `python -m web serve|build|document|errors|check|release`."""

import json
import os
import sys
from pathlib import Path

from web.breaking import breaking, surface
from web.build import ROOT, build
from web.document import merge, read_documents
from web.errors_page import errors_page

USAGE = 64  # sysexits.h: the command was used wrongly.
ERRORS = ROOT / "docs" / "errors.md"
DOCUMENTS = ROOT / "contracts" / "openapi"
RELEASED = DOCUMENTS / "released" / "surface.json"


def main(arguments: list[str]) -> None:
    """Run one command; leaves the process with 64 for an unknown one, and with 1 for a release that would break."""
    match arguments:
        case ["serve"]:
            _serve(Path(os.environ["WEB_FOLDER"]))
        case ["build", folder]:
            build(Path(folder))
        case ["document", path]:
            Path(path).write_text(json.dumps(merge(read_documents(DOCUMENTS)), indent=1) + "\n")
        case ["errors"]:
            ERRORS.write_text(errors_page(merge(read_documents(DOCUMENTS))))
        case ["check"]:
            _check()
        case ["release", *words] if words in ([], ["--breaking"]):
            _release(allowed=bool(words))
        case _:
            print("usage: python -m web serve|build <folder>|document <file>|errors|check|release", file=sys.stderr)  # noqa: T201  # A command line.
            raise SystemExit(USAGE)


def _serve(folder: Path) -> None:
    """Build what is served, then become gunicorn."""
    build(folder)
    gunicorn = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", os.environ["WEB_BIND"]]
    workers = ["--workers", os.environ.get("WEB_WORKERS", "1"), "--worker-class", "gthread", "--threads", "4"]
    sys.stdout.flush()
    os.execv(sys.executable, [*gunicorn, *workers, "web.serving:create_app()"])  # noqa: S606  # No shell is wanted.


def _check() -> None:
    """Fail where the page of errors is out of date, and where clients of the last release would break."""
    document = merge(read_documents(DOCUMENTS))
    faults = breaking(json.loads(RELEASED.read_bytes()), surface(document))
    if ERRORS.read_text() != errors_page(document):
        faults.append(f"{ERRORS.relative_to(ROOT)} is out of date: make contracts")
    if faults:
        raise SystemExit("\n".join(["clients of the last release would break, or a page is old:", *faults]))


def _release(*, allowed: bool) -> None:
    """Keep what clients depend on from now, unless that breaks those of the release before."""
    now = surface(merge(read_documents(DOCUMENTS)))
    before = json.loads(RELEASED.read_bytes()) if RELEASED.is_file() else now
    found = breaking(before, now)
    if found and not allowed:
        raise SystemExit(
            "\n".join(["this breaks clients of the last release (--breaking does it all the same):", *found])
        )
    RELEASED.parent.mkdir(exist_ok=True)
    RELEASED.write_text(json.dumps(now, sort_keys=True, indent=0, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
