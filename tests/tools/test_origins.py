"""Where each character of an output was written."""

from __future__ import annotations

import pytest
from webs import SOCKETS, needs_sockets

from commonweb import expansion
from commonweb.origins import runs
from commonweb.web import Web


@needs_sockets
def test_every_character_of_an_output_knows_where_it_was_written() -> None:
    data = SOCKETS.read_bytes()
    web = Web(data)
    for name, output in expansion.tangle(web).items():
        lines, seen = output.decode().split("\n"), [""] * output.count(b"\n")
        for run in runs(web, name, output.decode()):
            line, column = run.place()
            assert web.lines[line - 1].startswith(run.text, column - 1)
            row = seen[run.line - 1]
            seen[run.line - 1] = row.ljust(run.column - 1) + run.text
        for written, found in zip(lines, seen):
            assert "".join(written.split()) == "".join(found.split())


def test_places_inside_a_line_in_a_list_and_of_literal_brackets() -> None:
    web = Web("## 1. x\n- ```python\n  # ⟨a.py⟩≡\n  x = ⟨⟨⟨B⟩ + 1\n  ```\n\n"
              "```\n# ⟨B⟩≡\n  1,\n\n  2\n```\n".encode())
    output = expansion.tangle(web)["a.py"].decode()
    assert output == "x = ⟨  1,\n\n       2 + 1\n"
    assert [(run.text, run.line, run.column, run.place()) for run in runs(web, "a.py", output)] == [
        ("x =", 1, 1, (4, 3)), ("⟨", 1, 5, (4, 7)), ("1,", 1, 8, (9, 3)), ("2", 3, 8, (11, 3)),
        ("+ 1", 3, 10, (4, 13))]


def test_chunks_that_mean_nothing_are_read_once() -> None:
    text = "## 1. x\n```\n# ⟨a.x⟩≡\n⟨C0⟩\nend\n```\n" + "".join(
        f"```\n# ⟨C{n}⟩≡\n⟨C{n + 1}⟩⟨C{n + 1}⟩\n```\n" for n in range(60)
    ) + "```\n# ⟨C60⟩≡\n```\n"
    web = Web(text.encode())
    assert [run.text for run in runs(web, "a.x", expansion.tangle(web)["a.x"].decode())] == ["end"]


def test_an_output_that_is_another_is_refused() -> None:
    web = Web("## 1. x\n```\n# ⟨a.x⟩≡\nsame\n```\n".encode())
    with pytest.raises(ValueError, match=r"line 1 .* not what ⟨a.x⟩ means"):
        list(runs(web, "a.x", "other\n"))
