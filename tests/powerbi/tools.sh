#!/usr/bin/env bash
# Installs the tools of chain.py in a folder: Microsoft's library for semantic models with a program
# for Mono, and the Node.js packages of package.json.
#
#     tools.sh FOLDER
#
# Needs npm, mono and mcs (Debian: mono-runtime, mono-mcs and the libmono-system packages of core,
# data, xml, xml-linq, configuration, runtime-serialization and web). The library is in a Python
# package. package.json replaces dependencies of the validator that it does not need here: one is in
# no registry, the others are browsers and their pages.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=$1
for command in mcs mono npm; do
    if ! command -v "$command" >/dev/null; then
        echo "$command is missing; .ci/run has the command that installs it" >&2
        exit 1
    fi
done
mkdir -p "$folder"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder" \
    pbi-cli-tool==3.12.0
unzip -oqj "$folder"/pbi_cli_tool-*.whl 'pbi_cli/dlls/*.dll' -d "$folder/library"
rm "$folder"/pbi_cli_tool-*.whl
library="$folder/library/Microsoft.AnalysisServices"
mcs "$here/ReadModel.cs" -out:"$folder/library/ReadModel.exe" \
    -r:"$library.Tabular.dll" -r:"$library.Core.dll"
cp "$here/package.json" "$here/package-lock.json" "$folder"
npm ci --prefix "$folder" --no-audit --no-fund --ignore-scripts
