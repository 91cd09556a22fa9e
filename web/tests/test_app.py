"""The process of the pages as it is run: what it answers to whom, with which headers, and that nothing else is there."""

import gzip
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.testing.waiting import wait_until
from crm.ports import free_port
from web.build import ROOT
from web.guides import Page
from web.vendor import FOLDER, integrity, pins

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGES = (
    "/",
    "/docs",
    "/docs/events",
    "/docs/errors",
    "/docs/roles",
    "/docs/guides/access",
    "/docs/guides/customers",
    "/docs/guides/events",
    "/examples",
)


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a process that was started as a stack starts it."""
    found = free_port(())
    folder = tmp_path_factory.mktemp("web")
    environment = {**os.environ, "WEB_BIND": f"127.0.0.1:{found}", "WEB_FOLDER": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-m", "web", "serve"], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: listens(found), 30)
        yield found
        process.terminate()


def listens(port: int) -> bool:
    try:
        assert ask(port, "/readyz").status == 200
    except OSError:
        return False
    return True


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def ask(port: int, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers or {})
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def test_the_start_is_a_page_for_people_and_a_directory_for_programs(port: int) -> None:
    page, directory = ask(port, "/", BROWSER), ask(port, "/", {"Accept": "*/*"})
    assert page.headers.get_content_type() == "text/html"
    assert b"/docs/events" in page.body
    found = json.loads(directory.body)
    assert (found["openapi"], found["asyncapi"]) == ("/openapi.json", "/asyncapi.json")
    for answer in (page, directory):
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    for address in (found["openapi"], found["asyncapi"], found["documentation"], *found["guides"].values()):
        assert ask(port, address).status == 200


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere_and_forbids_it(port: int, path: str) -> None:
    answer = ask(port, path, BROWSER)
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert ("'unsafe-eval'" in policy) == (path == "/docs/events")
    assert "'unsafe-inline'" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers
    loaded = re.findall(rb'(?:src|<link[^>]* href)="([^"]+)"', answer.body)
    for address in loaded:
        assert address.startswith((b"/assets/", b"data:"))
        if address.startswith(b"/"):
            assert ask(port, address.decode()).status == 200


@pytest.mark.parametrize("path", PAGES)
def test_links_of_a_page_lead_somewhere(port: int, path: str) -> None:
    for address in set(re.findall(rb'<a href="(/[^"#]*)', ask(port, path, BROWSER).body)):
        assert ask(port, address.decode()).status == 200, (path, address)


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json", "/docs/guides/access"])
def test_who_has_the_current_version_gets_it_not_again(port: int, path: str) -> None:
    tag = ask(port, path).headers["ETag"]
    again = ask(port, path, {"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")
    assert ask(port, path, {"If-None-Match": '"another"'}).status == 200


def test_answers_are_compressed_for_who_asks_for_it(port: int) -> None:
    plain, packed = ask(port, "/openapi.json"), ask(port, "/openapi.json", {"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) * 5 < len(plain.body)


def test_scripts_are_kept_for_good_and_documents_asked_for_anew(port: int) -> None:
    script = re.search(rb'src="(/assets/swagger-ui-bundle[^"]+)"', ask(port, "/docs").body)
    assert script is not None
    assert "immutable" in ask(port, script[1].decode()).headers["Cache-Control"]
    assert ask(port, "/openapi.json").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/docs/nothing",
        "/assets/nothing.js",
        "/../README.md",
        "/docs/../../README.md",
        "/%2e%2e/Makefile",
    ],
)
def test_what_is_not_there_is_a_problem(port: int, path: str) -> None:
    answer = ask(port, path, BROWSER)
    assert (answer.status, json.loads(answer.body)["code"]) == (404, "not_found")


def test_every_guide_is_there_as_markdown_for_programs_that_read(port: int) -> None:
    index = ask(port, "/llms.txt").body.decode()
    guides = [path for path in re.findall(r"\((/[^)]+)\)", index) if path.endswith(".md")]
    assert len(guides) >= len(list((ROOT / "docs" / "guides").glob("*.md")))
    for path in guides:
        answer = ask(port, path)
        assert answer.headers.get_content_type() == "text/markdown"
        assert answer.body.startswith(b"# ")


def test_what_pages_tell_developers_to_take_is_there_to_be_taken(port: int) -> None:
    """Somebody who has only the address of the gateway has no checkout."""
    pages = {path: ask(port, path, BROWSER).body.decode() for path in PAGES}
    linked = {
        path for body in pages.values() for path in re.findall(r'href="(/(?:docs|examples)/[^"#]+\.[a-z]+)"', body)
    }
    files = {path for path in linked if not path.endswith(".md")}
    assert files >= {"/docs/guides/functions.sh", "/examples/python/crm_api.py", "/examples/typescript/src/follow.ts"}
    of_examples = (
        path for path in (ROOT / "examples").rglob("*") if path.is_file() and "node_modules" not in path.parts
    )
    programs = {f"/{path.relative_to(ROOT)}" for path in of_examples if path.suffix in (".py", ".ts")}
    assert files >= programs, "a program that no page names"
    for path in files:
        answer = ask(port, path)
        assert (answer.status, answer.body) == (200, (ROOT / path[1:]).read_bytes())
        assert answer.headers.get_content_type() in ("text/plain", "application/json")


def test_the_scripts_of_others_are_what_is_pinned() -> None:
    files = [target for pin in pins().values() for target in pin["files"].values()]
    assert [
        target["path"] for target in files if integrity((FOLDER / target["path"]).read_bytes()) != target["integrity"]
    ] == []
    present = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert present == {target["path"] for target in files} | {"packages.json"}


def test_html_in_a_guide_is_text() -> None:
    shown = Page(
        "/docs/x", "docs/x.md", "x", "# x\n\n<script>alert(1)</script> [a](javascript:alert(1)) [b](../operations.md)"
    ).html({})
    assert "<script" not in shown
    assert 'javascript:alert(1)"' not in shown
    assert "operations" not in shown


def test_the_document_of_events_has_every_event_with_its_example(site: Path) -> None:
    document = json.loads((site / "asyncapi.json").read_bytes())
    events = {path.stem for path in (ROOT / "contracts" / "events").glob("*.json")}
    assert {message["name"] for message in document["components"]["messages"].values()} == events
    assert all(message["examples"] for message in document["components"]["messages"].values())
    assert ".json" not in re.sub(r'"https?://[^"]+"', "", json.dumps(document["components"]["schemas"]))
