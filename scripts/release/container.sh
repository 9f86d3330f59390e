#!/usr/bin/env bash
# Unpacks the archives for Linux for the container image: container.sh ARCHIVES CONTEXT
set -euo pipefail
archives=$1
context=$2
version=$(python3 "$(dirname "${BASH_SOURCE[0]}")/project.py" version)
unpack() { # unpack RUST_ARCHITECTURE CONTAINER_ARCHITECTURE
    mkdir -p "$context/$2"
    tar --extract --gzip --file "$archives/pbi-analyze-$version-$1-unknown-linux-gnu.tar.gz" \
        --strip-components 1 --directory "$context/$2"
}
unpack x86_64 amd64
unpack aarch64 arm64
