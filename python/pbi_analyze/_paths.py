"""Paths as arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Union

Path = Union[str, "os.PathLike[str]"]
Paths = Union[Path, Iterable[Path]]


def path_list(paths: Paths) -> list[str]:
    """Returns one path or several as a list."""
    if isinstance(paths, (str, os.PathLike)):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]


def text_list(texts: str | Iterable[str] | None) -> list[str]:
    """Returns one text, several or none as a list."""
    if texts is None:
        return []
    return [texts] if isinstance(texts, str) else list(texts)
