"""The guides and other pages for developers, Markdown as HTML, and the files that they tell developers to take."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Pages of `docs` for who uses the API; those for operators and for who changes the code stay in the repository.
PAGES = ("errors", "roles")
# Endings of the files that developers take from here.
FILES = (".sh", ".py", ".txt", ".ts", ".json")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page: its address, where its Markdown lies in the repository, its title, its Markdown."""

    address: str
    source: str
    title: str
    text: str

    def html(self, addresses: Mapping[str, str]) -> str:
        """The text as HTML. HTML in it is shown as text.

        `addresses` says where a file of the repository is served; a link to any other file is none.
        """
        parser = MarkdownIt("commonmark", {"html": False}).enable("table")
        tokens = parser.parse(self.text.replace("<br>", "  \n" if "|" not in self.text else " "))
        for token in tokens:
            _relink(token.children or [], self.source, addresses)
        _name_headings(tokens)
        # What scrolls is reached by the keyboard too; text that looks like this tag has been escaped.
        return str(parser.renderer.render(tokens, parser.options, {})).replace("<pre>", '<pre tabindex="0">')


def pages(root: Path) -> list[Page]:
    """All pages of the repository at `root`: the guides first, each group in the order of its names."""
    guides = [f"docs/guides/{path.name}" for path in sorted((root / "docs" / "guides").glob("*.md"))]
    others = [f"docs/{name}.md" for name in PAGES if (root / "docs" / f"{name}.md").is_file()]
    found = [(f"/{source.removesuffix('.md')}", source) for source in [*guides, *others]]
    found.append(("/examples", "examples/README.md"))
    return [_page(address, source, (root / source).read_text()) for address, source in found]


def files(root: Path) -> list[str]:
    """The files that pages tell developers to take, by their paths in the repository, which are their addresses too."""
    found = [*(root / "docs" / "guides").glob("*.sh"), *(root / "examples").rglob("*")]
    paths = [path.relative_to(root).as_posix() for path in found if path.suffix in FILES and path.is_file()]
    return sorted(path for path in paths if "/node_modules/" not in path)


def _page(address: str, source: str, text: str) -> Page:
    match = _TITLE.search(text)
    return Page(address, source, match[1] if match else address, text)


def _relink(tokens: list[Token], source: str, addresses: Mapping[str, str]) -> None:
    """Make links to other files links to where they are served, and no links where they are not."""
    for token in tokens:
        if token.type != "link_open":
            continue
        target, hash_, fragment = str(token.attrGet("href")).partition("#")
        if not target or "://" in target or target.startswith("/"):
            continue
        address = addresses.get(posixpath.normpath(posixpath.join(posixpath.dirname(source), target)))
        if address is None:
            token.attrs.pop("href")
        else:
            token.attrSet("href", f"{address}{hash_}{fragment}")


def _name_headings(tokens: list[Token]) -> None:
    """Give headings the names that links on GitHub use."""
    for heading, inline in _headings(tokens):
        heading.attrSet("id", re.sub(r"[^\w\- ]", "", inline.content.lower()).replace(" ", "-"))


def _headings(tokens: list[Token]) -> Iterator[tuple[Token, Token]]:
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            yield token, following
