#!/usr/bin/env bash
# Builds the program, and runs a script of Python with its path: with-program.sh SCRIPT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cargo build --release --locked --bin pbi-analyze
program=${CARGO_TARGET_DIR:-target}/release/pbi-analyze
if [[ -e $program.exe ]]; then
    program+=.exe
fi
"$(command -v python3 || command -v python)" "$1" "$program"
