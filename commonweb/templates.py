"""The templates of the book, in the folder `style`: whatever they print is escaped, but for Markup.

page.html and paper.html are the book on a screen and in print; both extend book.html.
reference.html and files.html are the pages beside it.  parts.html has what stands within prose and
code, a macro each.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable


def unlinked(html: Markup) -> Markup:
    """HTML without its links, for where it stands in one or in what opens."""
    return Markup(re.sub(r"</?a\b[^>]*>", "", html))


STYLE = Path(__file__).with_name("style")
TEMPLATES = Environment(loader=FileSystemLoader(STYLE), autoescape=True, undefined=StrictUndefined,
                        trim_blocks=True, lstrip_blocks=True)
TEMPLATES.filters["unlinked"] = unlinked
PARTS = TEMPLATES.get_template("parts.html").module


def macro(name: str) -> Callable[..., Markup]:
    """A macro of parts.html, to be called from Python."""
    return cast("Callable[..., Markup]", getattr(PARTS, name))
