"""Everything that is served, written into one folder: pages, documents, scripts, each compressed beside itself."""

import gzip
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from web.document import merge, read_documents
from web.events import asyncapi
from web.guides import Page, files, pages
from web.reference import for_reading

ROOT = Path(__file__).resolve().parents[2]
SMALLEST_COMPRESSED = 1024
_STATIC = Path(__file__).parent / "static"
_VENDOR = ROOT / "web" / "vendor"
_SCRIPTS = {
    "swagger-ui-bundle.js": _VENDOR / "swagger-ui" / "swagger-ui-bundle.js",
    "swagger-ui.css": _VENDOR / "swagger-ui" / "swagger-ui.css",
    "asyncapi.js": _VENDOR / "asyncapi" / "asyncapi.js",
    "asyncapi.css": _VENDOR / "asyncapi" / "asyncapi.css",
}
_TEMPLATES = Environment(
    loader=PackageLoader("web", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def build(folder: Path, root: Path = ROOT) -> None:
    """Write all files into `folder`, from the repository at `root`."""
    document = merge(read_documents(root / "contracts" / "openapi"))
    guides = pages(root)
    site = _Site(folder)
    site.write("openapi.json", _json(document))
    site.write("asyncapi.json", _json(asyncapi(root / "contracts")))
    for name, path in {**_SCRIPTS, **{path.name: path for path in sorted(_STATIC.iterdir())}}.items():
        site.asset(name, path.read_bytes())
    site.asset("reference.json", _json(for_reading(document)))
    site.page("docs.html", "swagger.html")
    site.page("docs/events.html", "asyncapi.html")
    addresses = {page.source: page.address for page in guides}
    for file in files(root):
        addresses[file] = f"/{file}"
        site.write(file, (root / file).read_bytes())
    for page in guides:
        name = page.address.removeprefix("/")
        site.write(f"{name}.md", page.text.encode())
        site.page(f"{name}.html", "guide.html", page=page, body=page.html(addresses), guides=guides)
    site.page("index.html", "index.html", guides=guides, document=document)
    site.write("index.json", _json(_directory(document, guides)))
    site.write("llms.txt", _TEMPLATES.get_template("llms.txt").render(guides=guides, document=document).encode())


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _directory(document: Mapping[str, Any], guides: list[Page]) -> dict[str, Any]:
    """What a program is told that asks for `/`."""
    return {
        "name": document["info"]["title"],
        "version": document["info"]["version"],
        "openapi": "/openapi.json",
        "asyncapi": "/asyncapi.json",
        "documentation": "/docs",
        "guides": {page.title: page.address for page in guides},
    }


class _Site:
    """A folder that is being filled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._assets: dict[str, str] = {}

    def write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if len(content) >= SMALLEST_COMPRESSED:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, 6, mtime=0))

    def asset(self, name: str, content: bytes) -> None:
        """A file that pages name by its content, so that browsers keep it for good."""
        stem, _, ending = name.rpartition(".")
        address = f"assets/{stem}.{sha256(content).hexdigest()[:12]}.{ending}"
        self._assets[name] = f"/{address}"
        self.write(address, content)

    def page(self, name: str, template: str, **values: Any) -> None:
        text = _TEMPLATES.get_template(template).render(asset=self._assets.__getitem__, **values)
        self.write(name, text.encode())
