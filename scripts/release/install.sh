#!/bin/sh
# Installs the program, its manual pages and its completions from this folder:
#
#     ./install.sh [PREFIX]       into PREFIX, by default ~/.local
#
# Nothing else is changed. `./install.sh --remove [PREFIX]` deletes the same files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
remove=no
if [ "${1:-}" = --remove ]; then
    remove=yes
    shift
fi
prefix=${1:-$HOME/.local}

put() { # put MODE FILE FOLDER [NAME]
    target=$prefix/$3/${4:-$(basename "$2")}
    if [ "$remove" = yes ]; then
        rm -f "$target"
        return
    fi
    mkdir -p "$prefix/$3"
    # A program that is running cannot be written to, but it can be replaced.
    cp "$here/$2" "$target.new"
    chmod "$1" "$target.new"
    mv -f "$target.new" "$target"
}

put 755 pbi-analyze bin
for page in "$here"/man/*.1; do
    put 644 "man/$(basename "$page")" share/man/man1
done
put 644 completions/pbi-analyze.bash share/bash-completion/completions pbi-analyze
put 644 completions/_pbi-analyze share/zsh/site-functions
put 644 completions/pbi-analyze.fish share/fish/vendor_completions.d
if [ "$remove" = no ]; then
    echo "$prefix/bin/pbi-analyze"
fi
