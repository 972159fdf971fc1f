"""Literate programs as CommonMark documents: their code, and the book that people read."""

import sys

__version__ = "0.1.0"

if sys.version_info < (3, 9):  # noqa: UP036 (a checkout is run by whatever there is)
    sys.exit("commonweb needs Python 3.9 or later, and this is %s" % sys.version.split()[0])  # noqa: UP031
