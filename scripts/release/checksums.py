#!/usr/bin/env python3
"""Writes SHA256SUMS for the files in a folder: checksums.py DIR

`sha256sum --check SHA256SUMS` in the folder verifies them.
"""

import hashlib
import pathlib
import sys

NAME = "SHA256SUMS"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != NAME)
    if not files:
        sys.exit(f"{folder} has no files")
    lines = []
    for path in files:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{digest}  {path.name}\n")
    # Line ends of Windows would be a part of the names.
    (folder / NAME).write_text("".join(lines), encoding="utf-8", newline="\n")
    print("".join(lines), end="")


if __name__ == "__main__":
    main()
