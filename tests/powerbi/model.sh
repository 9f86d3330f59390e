#!/usr/bin/env bash
# Reads the semantic model with Microsoft's library on Mono, writes it back, and compares the files
# byte for byte.
#
#     model.sh PROGRAM ARCHIVE
#
# Needs mono and mcs (Debian: mono-runtime, mono-mcs and the libmono-system packages of core, data,
# xml, xml-linq, configuration, runtime-serialization and web). The library is in a Python package.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
program=$1 archive=$2
if ! command -v mcs >/dev/null || ! command -v mono >/dev/null; then
    echo "mono or mcs is missing; .ci/run has the command that installs them" >&2
    exit 1
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m pip download --quiet --no-deps --dest "$folder" pbi-cli-tool==3.12.0
unzip -oqj "$folder"/pbi_cli_tool-*.whl 'pbi_cli/dlls/*.dll' -d "$folder/library"
library="$folder/library/Microsoft.AnalysisServices"
mcs "$here/ReadModel.cs" -out:"$folder/library/ReadModel.exe" \
    -r:"$library.Tabular.dll" -r:"$library.Core.dll"

# Exit code 3 means that the archive has damaged files.
"$program" powerbi --from "$archive" --output "$folder/project" \
    --data-folder 'D:\usage "project"\#(data)' --quiet || (($? == 3))
model="$folder/project/Usage.SemanticModel/definition"
mono "$folder/library/ReadModel.exe" "$model" "$folder/again"
diff -r "$model" "$folder/again"
echo "the model is the same after reading and writing"
