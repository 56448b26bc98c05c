"""Notebooks as pages: their text and code; tests run them and see that every cell shows something."""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "notebooks"


def pages() -> dict[str, str | bytes]:
    """Return a page for each notebook."""
    return {f"notebooks/{path.stem}.md": _page(path) for path in sorted(FOLDER.glob("*.ipynb"))}


def _page(path: Path) -> str:
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    link = f"{{download}}`Download the notebook <../../notebooks/{path.name}>` to run it."
    return "\n\n".join([parts[0], link, *parts[1:]]) + "\n"
