"""One web in some twenty languages: whoever can run one of its programs reads its strings whole."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from commonweb import tangle
from commonweb.web import Web

# Of each language: its name on a fence, its file, a comment's beginning and end, a program around
# a reference that is indented, and what is referred to: it prints the lines "a", " b", "c".
WEBS = {
    "python": ("{python}", "t.py", "#", "", "if True:\n    {}", 'print("""a\n b\nc""")'),
    "javascript": ("js", "t.js", "//", "", "if (true) {{\n    {}\n}}",
                   "console.log(`a\n b\n${`c`}`)"),
    "typescript": ("typescript", "t.ts", "//", "", "if (true) {{\n    {}\n}}",
                   "console.log(`a\n b\nc`)"),
    "sh": ("bash", "t.sh", "##", "", "if true; then\n    {}\nfi", "cat <<EOF\na\n b\nc\nEOF"),
    "perl": ("perl", "t.pl", "#", "", "if (1) {{\n    {}\n}}", "print <<'EOF';\na\n b\nc\nEOF"),
    "ruby": ("ruby", "t.rb", "#", "", "if true\n    {}\nend", 'puts "a\n b\nc"'),
    "php": ("php", "t.php", "//", "", "<?php\nif (1) {{\n    {}\n}}", 'echo "a\n b\nc\n";'),
    "lua": ("lua", "t.lua", "--", "", "do\n    {}\nend", "print([[a\n b\nc]])"),
    "awk": ("awk", "t.awk", "#", "", "BEGIN {{\n    {}\n}}", 'print "a\\\n\\n b\\n\\\nc"'),
    "tcl": ("tcl", "t.tcl", "#", "", "if 1 {{\n    {}\n}}", 'puts "a\n b\nc"'),
    "c": ("c", "t.c", "/*", "*/", '#include <stdio.h>\nint main(void)\n{{\n    {}\n}}',
          'puts("a\\n\\\n b\\n\\\nc");'),
    "c++": ("cpp", "t.cc", "//", "", '#include <cstdio>\nint main()\n{{\n    {}\n}}',
            'puts(R"x(a\n b\nc)x");'),
    "go": ("go", "t.go", "//", "", 'package main\n\nimport "fmt"\n\nfunc main() {{\n\t{}\n}}',
           "fmt.Println(`a\n b\nc`)"),
    "rust": ("rust", "t.rs", "///", "", "fn main() {{\n    {}\n}}",
             'println!("{}", r#"a\n b\nc"#);'),
    "java": ("java", "T.java", "//", "", "class T {{\n  static void main() {{\n    {}\n  }}\n}}",
             'IO.println("""\n  a\n   b\n  c""");'),
    "haskell": ("haskell", "t.hs", "{-", "-}", "main = do\n    {}",
                'putStrLn "a\\n\\\n  \\ b\\n\\\n\\c"'),
    "ocaml": ("ocaml", "t.ml", "(*", "*)", "let () =\n    {}", "print_endline {|a\n b\nc|}"),
    "scheme": ("scheme", "t.scm", ";;", "", "(begin\n    {})", '(display "a\n b\nc\n")'),
    "sql": ("sql", "t.sql", "--", "", "WITH t AS (\n    {}\n) SELECT * FROM t;",
            "SELECT 'a\n b\nc'"),
    "fortran": ("fortran", "t.f90", "!", "", "program t\n    {}\nend program",
                "print '(a)', 'a', ' b', &\n'c'"),
    "basic": ("vbnet", "t.vb", "REM", "", "Module T\n    {}\nEnd Module", "' a\n' b"),
    "json": ("json", "t.json", "#", "", '{{\n    {}\n}}', '"a": 1,\n"b": 2'),
    "make": ("make", "./Makefile", "#", "", "all:\n\t{}", "@echo a\n@echo ' b'\n@echo c"),
}
RUNS = {  # what runs a program, if it is here
    "python": ["python3"], "javascript": ["node"], "sh": ["sh"], "perl": ["perl"], "ruby": ["ruby"],
    "php": ["php"], "lua": ["lua5.4"], "awk": ["awk", "-f"], "tcl": ["tclsh"],
    "make": ["make", "--no-print-directory", "-f"], "scheme": ["guile", "--no-auto-compile"],
    "ocaml": ["ocaml"], "go": ["go", "run"],
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the web means."""
    place = tmp_path_factory.mktemp("twenty")
    text = "# Twenty languages\n"
    for name, (language, file, begin, end, program, lines) in WEBS.items():
        for title, code in ((file, program.format(f"⟨Print in {name}⟩")),
                            (f"Print in {name}", lines)):
            text += f"\n## {title}\n\n````{language}\n{begin} ⟨{title}⟩≡ {end}\n{code}\n````\n"
    web = Web(text.encode())
    assert web.problems == []
    assert len(web.files) == len(WEBS) > 20
    (place / "w.md").write_text(text)
    assert tangle.main([str(place / "w.md"), "--out", str(place / "out")]) == 0
    return place / "out"


@pytest.mark.parametrize("name", WEBS)
def test_a_string_of_several_lines_keeps_them(programs: Path, name: str) -> None:
    _, file, _, _, program, lines = WEBS[name]
    indented = program[: program.index("{}")].rpartition("\n")[2]
    code = (programs / file).read_text()
    first, *others = lines.split("\n")
    assert f"{indented}{first}\n" in code
    strings = name not in ("fortran", "basic", "json", "make")
    for line in others:
        assert f"\n{'' if strings else indented}{line}" in code


@pytest.mark.parametrize("name", [name for name, (first, *_) in RUNS.items()
                                  if shutil.which(first)])
def test_what_can_be_run_prints_it(programs: Path, name: str) -> None:
    file = programs / WEBS[name][1]
    done = subprocess.run([*RUNS[name], file], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["a", " b", "c", ""]
