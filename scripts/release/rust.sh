#!/usr/bin/env bash
# Installs the minimum Rust version of Cargo.toml, and uses it in this folder: rust.sh [TARGET]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
rustup toolchain install "$version" --profile minimal --component clippy,rustfmt \
    ${1:+--target "$1"}
rustup override set "$version"
