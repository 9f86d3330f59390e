#!/usr/bin/env python3
"""Packs a built program: package.py --program FILE --target TRIPLE --output DIR [--run FILE]

The archive has one folder with the program, its documents, the scripts that download the log,
completions for all shells and manual pages. The same files give the same archive, byte for byte.
Completions and pages come from the program itself, or from --run if this machine cannot run it.
"""

import argparse
import gzip
import io
import os
import pathlib
import subprocess
import tarfile
import tempfile
import zipfile

from project import PROGRAM, ROOT, TARGETS, archive_name, version

# Names of completion files, as the shells look for them.
COMPLETIONS = {
    "bash": f"completions/{PROGRAM}.bash",
    "zsh": f"completions/_{PROGRAM}",
    "fish": f"completions/{PROGRAM}.fish",
    "powershell": f"completions/{PROGRAM}.ps1",
    "elvish": f"completions/{PROGRAM}.elv",
}
DOCUMENTS = ["README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md"]
SCRIPTS = ["scripts/pull/pull.py", "scripts/pull/pull.ps1"]


def contents(program, run, target):
    """Returns the content and the mode of each file in the archive, by its name."""
    suffix = ".exe" if "windows" in target else ""
    files = {PROGRAM + suffix: (program.read_bytes(), 0o755)}
    for name in DOCUMENTS:
        files[name] = ((ROOT / name).read_bytes(), 0o644)
    for path in sorted((ROOT / "docs").glob("*.md")):
        files[f"docs/{path.name}"] = (path.read_bytes(), 0o644)
    for name in SCRIPTS:
        files[name] = ((ROOT / name).read_bytes(), 0o755)
    if "windows" not in target:
        files["install.sh"] = ((ROOT / "scripts/release/install.sh").read_bytes(), 0o755)
    for shell, name in COMPLETIONS.items():
        ran = subprocess.run([run, "completions", shell], check=True, capture_output=True)
        files[name] = (ran.stdout, 0o644)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([run, "man", "--output-dir", folder], check=True, capture_output=True)
        for path in sorted(pathlib.Path(folder).iterdir()):
            files[f"man/{path.name}"] = (path.read_bytes(), 0o644)
    return dict(sorted(files.items()))


def write_tar(path, folder, files):
    # No time, no user: the archive depends on the files only.
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, (content, mode) in files.items():
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size, entry.mode = len(content), mode
                archive.addfile(entry, io.BytesIO(content))


def write_zip(path, folder, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = mode << 16
            archive.writestr(entry, content)


def main():
    parser = argparse.ArgumentParser(description="Pack a built program.")
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--target", required=True, choices=TARGETS)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--run", type=pathlib.Path, help="the program for this machine")
    args = parser.parse_args()
    run = os.path.abspath(args.run or args.program)
    files = contents(args.program, run, args.target)
    args.output.mkdir(parents=True, exist_ok=True)
    path = args.output / archive_name(args.target)
    write = write_zip if path.suffix == ".zip" else write_tar
    write(path, f"{PROGRAM}-{version()}-{args.target}", files)
    print(path)


if __name__ == "__main__":
    main()
