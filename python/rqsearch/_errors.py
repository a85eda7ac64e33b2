"""Exceptions."""


class Error(Exception):
    """A search, a build or the index failed. The message says what and where."""


class IndexNotFoundError(Error, FileNotFoundError):
    """There is no index in the directory."""
