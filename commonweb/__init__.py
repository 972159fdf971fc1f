"""Literate programs as CommonMark documents: their code, and the book that people read."""

__version__ = "0.1.0"
