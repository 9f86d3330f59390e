#!/usr/bin/env bash
# Builds what is shipped, and packs it: scripts/release/build.sh TARGET OUTPUT [RUN]
# RUN is a program for this machine, if it cannot run that of TARGET.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=$1
output=$2
cargo build --profile dist --locked --bin pbi-analyze --target "$target"
program=${CARGO_TARGET_DIR:-target}/$target/dist/pbi-analyze
if [[ $target == *windows* ]]; then
    program+=.exe
fi
python=$(command -v python3 || command -v python)
"$python" scripts/release/package.py --program "$program" --target "$target" --output "$output" \
    ${3:+--run "$3"}
