#!/usr/bin/env bash
# Completes the files of a release: assemble.sh FILES MANIFESTS OWNER/NAME
# FILES has the archives of all targets, and gets the bill of materials and the checksums. MANIFESTS
# gets the manifests for winget, Scoop and Homebrew, which go to repositories of their own.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
files=$1
manifests=$2
repository=$3
version=$(python3 "$here/project.py" version)
python3 "$here/sbom.py" > "$files/pbi-analyze-$version.cdx.json"
python3 "$here/checksums.py" "$files"
python3 "$here/manifests.py" --sums "$files/SHA256SUMS" --repository "$repository" \
    --output "$manifests"
