"""The gallery: what stands beside studies, examples and scripts in the repository, as pages with their pictures."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

TOP = Path(__file__).parents[2]
OTHERS = ("examples/README.md", "slurm/README.md", "benchmarks/README.md", "CHANGELOG.md", "CONTRIBUTING.md")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#:]+)(#[^)]*)?\)")


def pages() -> dict[str, str | bytes]:
    """Return a page for each README, and the pictures that they show."""
    sources = [
        TOP / "studies/README.md", *sorted(TOP.glob("studies/*/README.md")), *(TOP / name for name in OTHERS),
    ]  # fmt: skip
    places = {source: _place(source) for source in sources}
    found: dict[str, str | bytes] = {}
    for source, place in places.items():
        text = source.read_text(encoding="utf-8")
        text, pictures = _with_links(text, source, place, places)
        if source == TOP / "studies/README.md":
            folders = [path for path in places if path.parent.parent == TOP / "studies"]
            names = "\n".join(PurePosixPath(places[path]).stem for path in folders)
            text += f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
        found[place] = text
        found |= {name: path.read_bytes() for name, path in pictures.items()}
    return found


def _place(source: Path) -> str:
    """Return where a file's page lies below the folder of generated pages."""
    inside = source.relative_to(TOP)
    name = "index" if source == TOP / "studies/README.md" else source.stem.lower()
    if source.stem == "README" and name != "index":
        return f"{inside.parent.as_posix()}.md" if len(inside.parts) > 2 else f"{inside.parent.name}.md"
    return (PurePosixPath(inside.parent.as_posix()) / f"{name}.md").as_posix()


def _with_links(text: str, source: Path, place: str, places: dict[Path, str]) -> tuple[str, dict[str, Path]]:
    """Return text whose relative links lead to pages and pictures of the site; other files are named without a link."""
    up = "../" * (len(PurePosixPath(place).parts) - 1)
    pictures: dict[str, Path] = {}

    def link(match: re.Match[str]) -> str:
        picture, words, target, anchor = match.groups()
        path = (source.parent / target).resolve()
        if path.is_dir():
            path = path / "README.md"
        if path in places:
            return f"{picture}[{words}]({up}{places[path]}{anchor or ''})"
        if path.suffix == ".png" and path.is_file():
            name = f"pictures/{path.relative_to(TOP).as_posix().replace('/', '-')}"
            pictures[name] = path
            return f"{picture}[{words}]({up}{name})"
        return words if words.startswith("`") else f"{words} (`{target}`)"

    return LINK.sub(link, text), pictures
