"""The guides and other pages for developers: Markdown of the folder `docs` as HTML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Pages of `docs` for who uses the API; those for operators and for who changes the code stay in the repository.
PAGES = ("errors", "roles")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page: its address, its title, its Markdown."""

    address: str
    title: str
    text: str

    def html(self, addresses: frozenset[str]) -> str:
        """The text as HTML. HTML in it is shown as text; links to pages that are not in `addresses` are none."""
        parser = MarkdownIt("commonmark", {"html": False}).enable("table")
        tokens = parser.parse(self.text.replace("<br>", "  \n" if "|" not in self.text else " "))
        for token in tokens:
            _relink(token.children or [], self.address, addresses)
        _name_headings(tokens)
        # What scrolls is reached by the keyboard too; text that looks like this tag has been escaped.
        return str(parser.renderer.render(tokens, parser.options, {})).replace("<pre>", '<pre tabindex="0">')


def pages(docs: Path) -> list[Page]:
    """All pages: the guides first, each group in the order of its names."""
    found = [(f"/docs/guides/{path.stem}", path) for path in sorted((docs / "guides").glob("*.md"))]
    found += [(f"/docs/{name}", docs / f"{name}.md") for name in PAGES if (docs / f"{name}.md").is_file()]
    return [Page(address, _title(path), path.read_text()) for address, path in found]


def _title(path: Path) -> str:
    match = _TITLE.search(path.read_text())
    return match[1] if match else path.stem


def _relink(tokens: list[Token], address: str, addresses: frozenset[str]) -> None:
    """Make links to other files links to pages, and no links where those files are no pages."""
    for token in tokens:
        if token.type != "link_open":
            continue
        target, hash_, fragment = str(token.attrGet("href")).partition("#")
        if not target or "://" in target or target.startswith("/"):
            continue
        page = _absolute(address, target.removesuffix(".md"))
        if page in addresses:
            token.attrSet("href", f"{page}{hash_}{fragment}")
        else:
            token.attrs.pop("href")


def _absolute(address: str, target: str) -> str:
    parts = address.strip("/").split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/" + "/".join(parts)


def _name_headings(tokens: list[Token]) -> None:
    """Give headings the names that links on GitHub use."""
    for heading, inline in _headings(tokens):
        heading.attrSet("id", re.sub(r"[^\w\- ]", "", inline.content.lower()).replace(" ", "-"))


def _headings(tokens: list[Token]) -> Iterator[tuple[Token, Token]]:
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            yield token, following
