#!/usr/bin/env bash
# Builds the wheel of the Python package: wheel.sh OUTPUT FLAG…
# The flags are those of maturin, which is MATURIN or the one in PATH: --release, or --profile dist.
set -euo pipefail
output=$(mkdir -p "$1" && cd "$1" && pwd)
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
"${MATURIN:-maturin}" build --quiet --locked --manifest-path python/Cargo.toml --out "$output" "$@"
