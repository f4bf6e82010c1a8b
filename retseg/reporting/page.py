"""One self-contained page: templates, style and script inside it, nothing from outside, written as it is rendered."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from retseg.core.paths import explained_writes

_TEMPLATES = "templates"


@cache
def environment() -> Environment:
    """The Jinja2 environment of all reports. Everything is escaped; an unknown name is an error."""
    return Environment(
        loader=PackageLoader("retseg.reporting", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def write_page(
    template: str,
    path: Path,
    *,
    styles: Sequence[str] = ("style.css",),
    scripts: Sequence[str] = ("page.js",),
    images: str = "data:",
    **content: Any,
) -> Path:
    """Renders `template` with `content` into `path`, piece by piece, so that lazily made content is never all held.

    The page's content security policy allows exactly our own style and script, by their hash, and images inside the
    page. Whatever else a name or a file might smuggle in, a browser will not run it.

    Args:
        template: The template's name.
        path: The file to write.
        styles: Our own style sheets, in their order.
        scripts: Our own scripts, in their order.
        images: Where images may come from, as a content security policy says it.
        content: What the template shows.
    """
    style, script = "".join(map(_asset, styles)), "".join(map(_asset, scripts))
    # Only our own files go in unescaped; every text of a user's is escaped.
    frame = {
        "style": Markup(style),
        "script": Markup(script),
        "policy": (
            f"default-src 'none'; img-src {images}; style-src {_hash(style)}; script-src {_hash(script)}; "
            "base-uri 'none'; form-action 'none'"
        ),
    }
    stream = environment().get_template(template).stream(**frame, **content)
    with explained_writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for piece in stream:
                file.write(piece)
    return path


@cache
def _asset(name: str) -> str:
    return files("retseg.reporting").joinpath(_TEMPLATES, name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
