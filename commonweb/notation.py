"""How a web is written: the forms of headers, declarations, references, numbers and names."""

from __future__ import annotations

import re
from functools import lru_cache

# What commonweb knows of languages: their names, which are those that Pygments gives them and
# suffixes of files; how their comments begin and, after "…", end; and what strings of several lines
# they have, in the words of strings.py. A comma parts languages that are alike in both.
LANGUAGES = (
    ("python py pyi python3 py3, cython pyx pxd, starlark bazel bzl, gdscript gd",
     "#", "\"\"\" ''' \" '"),
    ("c h, objective-c objc obj-c m, glsl vert frag, hlsl, opencl cl, lex l, yacc y, swig i",
     "// /*…*/", "R\"( \" '"),
    ("cpp c++ cc cxx hpp hh hxx, cuda cu cuh, objective-c++ objc++ mm, arduino ino",
     "// /*…*/", "R\"( \" '"),
    ("java, kotlin kt kts, scala sc, swift, solidity sol, proto protobuf, gradle",
     "// /*…*/", "\"\"\" \" '"),
    ("groovy, dart", "// /*…*/", "\"\"\" ''' \" '"),
    ("csharp c# cs", "// /*…*/", "\"\"\" @\" \" '"),
    ("fsharp f# fs fsi fsx", "// (*…*)", "\"\"\" \"\" c'"),
    ("javascript js mjs cjs jsx, typescript ts mts cts tsx", "// /*…*/", "re ${ \" '"),
    ("go golang, v vlang", "// /*…*/", "` \" '"),
    ("rust rs", "// /*…*/", "r#\" \"\" c'"),
    ("zig, jsonc json5, promela", "//", ""),
    ("d", "// /*…*/ /+…+/", "` \"\" '"),
    ("php php3 php4 php5", "# // /*…*/", "<<< \"\" ''"),
    ("haxe hx", "// /*…*/", "\"\" ''"),
    ("haskell hs, purescript purs, idris idr, agda", "-- {-…-}", "\"\"\" \" c'"),
    ("elm", "-- {-…-}", "\"\"\" \" c'"),
    ("lua, luau", "-- --[[…]]", "[[ \" '"),
    ("sql mysql, postgresql postgres plpgsql psql, sqlite3 sqlite", "-- /*…*/", "$$ 2' 2\""),
    ("ada adb ads, vhdl vhd, eiffel", "--", ""),
    ("ocaml ml mli", "(*…*)", "{| \"\" c'"),
    ("sml, standard-ml, coq v8, isabelle thy", "(*…*)", '""'),
    ("pascal delphi objectpascal pas pp dpr, modula2 mod", "// (*…*) {…}", ""),
    ("mathematica wolfram wl", "(*…*)", '""'),
    ("bash sh shell zsh ksh", "#", "<< \"\" 's"),
    ("perl pl pm", "#", "<<~ \"\" ''"),
    ("ruby rb, crystal cr", "#", "<<~ \"\" ''"),
    ("elixir ex exs", "#", "\"\"\" ''' \"\" ''"),
    ("julia jl", "# #=…=#", "\"\"\" \"\" c'"),
    ("nim nimrod", "# #[…]#", '""" "'),
    ("r splus, awk gawk, tcl, fish", "#", "\"\" ''"),
    ("coffeescript coffee", "# ###…###", "\"\"\" ''' \"\" ''"),
    ("powershell pwsh ps1 psm1", "# <#…#>", "@h \"\" 2'"),
    ("nix nixos", "# /*…*/", 'nix ""'),
    ("terraform tf hcl", "# // /*…*/", '<<~ "'),
    ("graphql gql", "#", '""" "'),
    ("toml", "#", "\"\"\" ''' \" '"),
    ("yaml yml, make makefile mk, cmake, docker dockerfile, nginx, ini cfg conf, properties, "
     "gherkin, gnuplot, apacheconf, meson, sed, dot graphviz gv", "#", ""),
    ("clojure clj cljs cljc edn, emacs-lisp elisp el, fennel, hylang hy", ";", '\\ ""'),
    ("common-lisp lisp cl lsp, racket rkt, scheme scm", "; #|…|#", '\\ ""'),
    ("nasm asm s, ca65, autohotkey ahk", "; #", ""),
    ("wast wat", ";;", ""),
    ("matlab octave", "% #", ""),
    ("erlang erl hrl, prolog pro", "%", "\"\" ''"),
    ("tex latex sty, postscript ps, lilypond ly", "%", ""),
    ("fortran f90 f95 f03 f08, inform6", "!", ""),
    ("fortranfixed f f77 for", "C * !", ""),
    ("cobol cob cbl", "*", ""),
    ("abap", '* "', ""),
    ("stata do", "* // /*…*/", ""),
    ("sas", "*…; /*…*/", ""),
    ("vbnet vb.net vb, vbscript vbs, qbasic basic bas, monkey", "' REM", ""),
    ("batch bat cmd", "REM ::", ""),
    ("vim viml", '"', ""),
    ("smalltalk st", '"…"', "2'"),
    ("forth fs4 fth", "\\ (…)", ""),
    ("gcode nc", "; (…)", ""),
    ("apl", "⍝", ""),
    ("j ijs", "NB.", ""),
    ("m4", "dnl #", ""),
    ("groff roff man nroff", '.\\"', ""),
    ("rst restructuredtext", "..", ""),
    ("texinfo texi", "@c", ""),
    ("inform7 ni", "[…]", ""),
    ("plantuml puml", "' /'…'/", ""),
    ("html htm xhtml, xml svg xsd xslt, vue, svelte, markdown md", "<!--…-->", ""),
    ("css", "/*…*/", ""),
    ("scss, less, sass", "// /*…*/", ""),
    ("jinja django twig", "{#…#}", ""),
    ("handlebars mustache hbs", "{{!--…--}} {{!…}}", ""),
    ("smarty", "{*…*}", ""),
    ("razor cshtml", "@*…*@", ""),
    ("jsp", "<%--…--%>", ""),
    ("erb", "<%#…%>", ""),
    ("pug jade", "//-", ""),
    ("haml, slim", "-#", ""),
    ("mdx", "{/*…*/}", ""),
    ("gotmpl", "{{/*…*/}}", ""),
    ("json, csv tsv, text txt plain plaintext, diff patch, console shell-session pycon output",
     "", ""),
)


def known() -> dict[str, tuple[str, list[str], str]]:
    """By each name of a language: its first one, how comments begin and end, and its strings."""
    return {name: (alike.split()[0], comments.split(), strings)
            for names, comments, strings in LANGUAGES for alike in names.split(",")
            for name in alike.split()}


KNOWN = known()
CLOSERS: dict[str, set[str]] = {}  # how comments begin, and how those end: "" at the line's end
for _, signs, _ in LANGUAGES:
    for sign in signs.split():
        CLOSERS.setdefault(sign.partition("…")[0], set()).add(sign.partition("…")[2])


@lru_cache(None)
def closers(begin: str) -> set[str]:
    """How a comment may end that begins so; nothing if none does.

    Signs may be repeated, as in `##` or `/**`, and end in -, ! or :.
    """
    begin = begin.upper() if begin == "rem" else begin
    return {end for sign, ends in CLOSERS.items() for end in ends
            if begin.startswith(sign) and not begin[len(sign) :].strip(sign[-1] + "-!:")}


def is_comment(begin: str, end: str) -> bool:
    """Whether a comment may begin and end so; the sign at its end may be repeated too."""
    return any([end == closer or (closer and end.endswith(closer)
                                  and not end[: -len(closer)].strip(closer[0]))
                for closer in closers(begin)])


def comment(language: str | None) -> tuple[str, str]:
    """How a comment begins and ends in a language; # does in any, since headers are not tangled."""
    _, comments, _ = KNOWN.get(language or "", ("", [], ""))
    begin, _, end = (comments or ["#"])[0].partition("…")
    return begin, end


def one_name(language: str | None) -> str | None:
    """The one name of a language that has several."""
    return KNOWN[language][0] if language in KNOWN else language


# A header: its comment's beginning, name, sign, and comment's end; and the declarations below it,
# which are comments of the same kind.
HEADER = re.compile(r"[ \t]*([^\s⟨]{1,8})[ \t]*⟨([^⟨⟩\n]*)⟩(\+?)≡[^\S\n]*(\S*)[^\S\n]*\n"
                    r"((?:[ \t]*(?:\1|//)\|.*\n)*)")
NEARLY_HEADER = re.compile(r"([ \t]*([^\s⟨]{1,8}?)\|?[ \t]*)⟨([^⟨⟩\n]*)")
# A line that looks like a header: a name in some kind of brackets, a sign, and no other words.
LIKE_HEADER = re.compile(
    r"^((?:[^\w⟨〈«<\n]|[0-9_]|\b(?:REM|rem|dnl|C|c|NB)\b)*)(⟨|〈|«|<<?)([^⟨⟩〈〉«»<>\n]+)"
    r"(?:⟩|〉|»|>(>)?)[`*_ \t]*\+*(?:≡|(?(4)=|≡))[^\w⟨\n]*$", re.MULTILINE)
REFERENCE = re.compile(r"⟨⟨|⟨([^⟨⟩\n]*)(⟩?)")
NUMBER = re.compile(r"([0-9]+[A-Za-z]{0,2})\.(?=\s|$)\s*(.*)")
TITLE = re.compile(r"^title[ \t]*:[ \t]*\S", re.MULTILINE)  # in front matter
ORDINARY = re.compile("([0-9]{1,9})([A-Z]?)")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
FILE = re.compile(r"\./.*|\S*(?:/\S*|\.[^.\s]+)")


def names_file(name: str) -> bool:
    """A name that begins with `./` is a file's; one without spaces, if it has a `/` or a suffix."""
    return FILE.fullmatch(name) is not None


def followers(number: str) -> list[str]:
    """The numbers that may follow one; "" is the start, and after Z come no more letters."""
    match = ORDINARY.fullmatch(number)
    if not match:
        return [] if number else ["1"]
    letter = chr(ord(match[2] or "@") + 1)
    return [str(int(match[1]) + 1)] + ([match[1] + letter] if letter <= "Z" else [])
