#!/usr/bin/env bash
# Publishes the files of a folder as the release of a tag: publish.sh TAG DIR
# Needs the GitHub command line and GH_TOKEN.
set -euo pipefail
tag=$1
folder=$2
here=$(dirname "${BASH_SOURCE[0]}")
python3 "$here/project.py" check-tag "$tag"
notes=$(mktemp)
trap 'rm -f "$notes"' EXIT
python3 "$here/project.py" notes > "$notes"
# A draft first: nobody sees a release with half of its files.
gh release create "$tag" --draft --verify-tag --title "$tag" --notes-file "$notes" "$folder"/*
gh release edit "$tag" --draft=false
