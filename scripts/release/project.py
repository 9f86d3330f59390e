#!/usr/bin/env python3
"""What the steps of a release have in common, from Cargo.toml.

    project.py version              prints the version
    project.py rust                 prints the minimum Rust version
    project.py check-tag v0.1.0     fails if the tag is not that of the version
    project.py notes                prints the section of the version in CHANGELOG.md
"""

import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = "pbi-analyze"
# What is built, and the form of its archive.
TARGETS = {
    "x86_64-unknown-linux-gnu": "tar.gz",
    "aarch64-unknown-linux-gnu": "tar.gz",
    "x86_64-apple-darwin": "tar.gz",
    "aarch64-apple-darwin": "tar.gz",
    "x86_64-pc-windows-msvc": "zip",
    "aarch64-pc-windows-msvc": "zip",
}


def package():
    with open(ROOT / "Cargo.toml", "rb") as file:
        return tomllib.load(file)["package"]


def version():
    return package()["version"]


def archive_name(target):
    return f"{PROGRAM}-{version()}-{target}.{TARGETS[target]}"


def notes():
    """Returns the section of the version in the changelog, without its heading."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)
    found = [part for part in sections if part.split(maxsplit=1)[:1] == [version()]]
    if not found:
        sys.exit(f"CHANGELOG.md has no section for version {version()}; add one")
    return found[0].partition("\n")[2].strip() + "\n"


def main():
    match sys.argv[1:]:
        case ["version"]:
            print(version())
        case ["rust"]:
            print(package()["rust-version"])
        case ["check-tag", tag]:
            if tag != f"v{version()}":
                sys.exit(f"the tag is {tag}, but Cargo.toml has version {version()}; change one")
        case ["notes"]:
            sys.stdout.reconfigure(encoding="utf-8")
            print(notes(), end="")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
