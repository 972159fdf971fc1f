"""What front matter says of a document: title, authors, date."""

from __future__ import annotations

import datetime

import yaml

from .markdown import front_matter
from .messages import Problem


class Matter:
    """The title, the authors, and the date; what is not said is empty."""

    def __init__(self, text: str, above: int = 0) -> None:
        self.title = self.author = self.date = ""
        self.problems: list[Problem] = []
        front = front_matter(text)
        lines = front.split("\n")[1:-2]
        try:
            data = yaml.safe_load("\n".join(lines))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.problems.append(Problem(
                above + (min(mark.line, len(lines)) + 2 if mark else 1),
                mark.column + 1 if mark else 1,
                f"the front matter is no YAML: {getattr(error, 'problem', None) or 'unreadable'}"))
            return
        except (ValueError, RecursionError):  # a date that is none; lists in lists in lists
            self.problems.append(Problem(above + 1, 1, "the front matter cannot be read"))
            return
        if isinstance(data, dict):
            self.title = said(data.get("title"))
            self.author = said(data.get("author") or data.get("authors"))
            self.date = said(data.get("date"))


def said(value: object) -> str:
    """A value in words: of a list each, of an author with particulars the name."""
    if isinstance(value, list):
        return ", ".join(filter(None, [said(each) for each in value if not isinstance(each, list)]))
    if isinstance(value, dict):
        return said(value.get("name")) if not isinstance(value.get("name"), (dict, list)) else ""
    plain = (str, int, float, datetime.date)
    return str(value) if isinstance(value, plain) and not isinstance(value, bool) else ""
