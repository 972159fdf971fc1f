"""Run Entangled on webs of our form: a hook takes names from the first lines of code blocks.

Usage: python entangled_web.py, in a folder with webs and entangled.toml
"""

from __future__ import annotations

import re
import sys

from entangled import hooks
from entangled.hooks.base import HookBase
from entangled.main import cli
from entangled.properties import Attribute, Id

HEADER = re.compile(r"(?:#|//|/\*) ⟨([^⟨⟩]*)⟩\+?≡.*\n?(?:(?:#|//)\|.*\n?)*")


def word(name):
    """A chunk's name as one that Entangled knows; it takes letters only."""
    return "chunk-" + name.encode().hex()


class Hook(HookBase):
    def on_read(self, code):
        header = HEADER.match(code.source)
        if header:
            name = header[1]
            code.properties.append(Id(word(name)))
            if re.search(r"[./]", name) and " " not in name:
                code.properties.append(Attribute("file", name))
            code.source = re.sub(r"⟨([^⟨⟩]*)⟩", lambda found: f"<<{word(found[1])}>>",
                                 code.source[header.end() :])


hooks.hooks["web"] = Hook
sys.argv[1:] = ["tangle"]
cli()
