"""Say what was measured: print the table, and put it where it is read.

    python bench/report.py RESULT.json ... [--write]

Each result is of one Python, and the last is of the newest; all are of calls, or all are of
servers.  With --write the tables in README.md, known by their headings, get the new numbers, and
bench/speed.svg the new bars.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
HEADING = "| time, as a multiple of `socket`'s |"
SERVERS_HEADING = "| servers: time a request "


def digits(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}"


def number(ratios: dict[str, float] | None) -> str:
    return digits(ratios["median"]) if ratios else ""


def spread(ratios: dict[str, float]) -> str:
    return f"{digits(ratios['low'])}-{digits(ratios['high'])}"


def beside_theirs(row: dict[str, Any], name: str) -> str:
    """Another contestant's time as a multiple of theirs."""
    its = row["nanoseconds"].get(name)
    return digits(its / row["nanoseconds"]["theirs"]) if its else ""


def full_table(results: list[dict[str, Any]]) -> str:
    """What is printed: per Python the ratio to `socket`, its quartiles, the ratio to C, and the
    ratio of the long way to `socket`."""
    lines = [f"{'':43} {'goal':>5}" + "".join(
        f"   {result['python']:>8} {'quartiles':>11} {'to C':>6} {'long':>5}" for result in results
    )]
    for rows in zip(*[result["rows"] for result in results], strict=True):
        lines.append(f"{rows[0]['name']:43} {digits(rows[0]['goal']):>5}" + "".join(
            f"   {number(row['to theirs']):>8} {spread(row['to theirs']):>11} "
            f"{number(row.get('to floor')):>6} {beside_theirs(row, 'long'):>5}" for row in rows
        ))
    return "\n".join(lines)


def short_table(results: list[dict[str, Any]]) -> str:
    """What is read: per Python the ratio to `socket`; and, on the newest, that of C and of the
    long way."""
    names = [f"CPython {result['python']}" for result in results]
    lines = [f"{HEADING} {' | '.join(names)} | quartiles | in C | the long way |",
             "|---" * (len(names) + 4) + "|"]
    for rows in zip(*[result["rows"] for result in results], strict=True):
        lines.append("| " + " | ".join([
            rows[0]["name"], *[number(row["to theirs"]) for row in rows],
            spread(rows[-1]["to theirs"]), beside_theirs(rows[-1], "floor"),
            beside_theirs(rows[-1], "long"),
        ]) + " |")
    return "\n".join([*lines, "", origin(results[-1], "", "bench")])


def servers_table(result: dict[str, Any]) -> str:
    """Each contestant's ratio to the first, and its quartiles; what the first takes, in full."""
    rows = result["rows"]
    table = [[SERVERS_HEADING.strip("| "), *[row["name"] for row in rows]]]
    table.append(["---"] * len(table[0]))
    for place, name in enumerate(result["contestants"]):
        cells = [f"{row['nanoseconds'] / 1000:.1f} µs" if not place
                 else f"{number(ratios)} ({spread(ratios)})"
                 if (ratios := row["ratios"].get(name)) else "" for row in rows]
        table.append([name, *cells])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in table]
    by = f", by CPython {result['python']}"
    return "\n".join([*lines, "", origin(result, by, "bench-servers")])


def origin(result: dict[str, Any], by: str, target: str) -> str:
    return (f"*Measured on {date.today()}, on {result['machine']} with {os.cpu_count()} "
            f"processors{by}; `make {target}` measures anew.*")


def replace_table(path: Path, beginning: str, table: str) -> None:
    """Put the table in the place of the one with its heading, and of the line below that."""
    before, heading, rest = path.read_text(encoding="utf-8").partition(beginning)
    if not heading:
        raise SystemExit(f"{path}: no table begins with {beginning!r}")
    _, _, after = rest.partition("\n*Measured on ")
    path.write_text(before + table + "\n" + after.partition("\n")[2], encoding="utf-8")


# The bars.  A picture in a README is a document of its own, which asks for the reader's colours.

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px }
.better { fill: #2da44e } .worse { fill: #bf8700 }
.line { stroke: #1f2328 } .floor { stroke: #57606a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .better { fill: #3fb950 } .worse { fill: #d29922 }
  .line { stroke: #e6edf3 } .floor { stroke: #8b949e }
}
"""
LEFT, UNIT, STEP = 290, 200, 24


def bars(result: dict[str, Any]) -> str:
    """A bar for each row, as long as its ratio; a tick where C would be; a line at 1."""
    parts, rows = [], result["rows"]
    for at, row in enumerate(rows):
        ratio, middle = row["to theirs"]["median"], 40 + at * STEP
        width = min(ratio, 2) * UNIT
        parts.append(f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">'
                     f"{row['name']}</text>")
        parts.append(f'<rect class="{"better" if ratio <= 1 else "worse"}" x="{LEFT}" '
                     f'y="{middle - 7}" width="{width:.0f}" height="14"/>')
        parts.append(f'<text class="small" x="{LEFT + width + 5:.0f}" y="{middle + 4}">'
                     f"{digits(ratio)}</text>")
        if floor := row["nanoseconds"].get("floor"):
            x = LEFT + UNIT * floor / row["nanoseconds"]["theirs"]
            parts.append(f'<path class="floor" stroke-width="2" d="M{x:.0f} {middle - 10}v20"/>')
    height, one = 40 + len(rows) * STEP, LEFT + UNIT
    parts.append(f'<path class="line" stroke-dasharray="4 3" d="M{one} 24V{height - 8}"/>')
    parts.append(f'<text class="small" x="{one}" y="16" text-anchor="middle">'
                 f"socket of CPython {result['python']}</text>")
    label = "Time as a multiple of Python's socket; shorter is faster; the ticks are C's"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + 2 * UNIT + 60}" '
        f'height="{height}" role="img" aria-label="{label}">\n<title>{label}</title>\n'
        f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def main() -> None:
    paths = [argument for argument in sys.argv[1:] if argument != "--write"]
    results = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
    of_servers, write = "contestants" in results[-1], "--write" in sys.argv
    print("\n\n".join(map(servers_table, results)) if of_servers else full_table(results))
    if write and of_servers:
        replace_table(ROOT / "README.md", SERVERS_HEADING, servers_table(results[-1]))
    elif write:
        replace_table(ROOT / "README.md", HEADING, short_table(results))
        (ROOT / "bench" / "speed.svg").write_text(bars(results[-1]), encoding="utf-8")


if __name__ == "__main__":
    main()
