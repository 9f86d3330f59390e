#!/usr/bin/env bash
# Writes the projects that chain.py checks.
#
#     projects.sh PROGRAM YEAR ATTACK FOLDER
#
# YEAR and ATTACK are the archives of `synth --year` and `synth --attack`. FOLDER must not exist.
#
# | project | what is special |
# | --- | --- |
# | sample | rows in all tables; variants.py breaks it |
# | year | a folder of the data with quotes, a bracket and a backslash |
# | attack | names that break what does not quote them; a name of the project in Unicode |
# | plain | no inventory and no list of people |
# | empty | no days |
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
program=$1 year=$2 attack=$3 folder=$4
mkdir "$folder"

# Runs the program. Exit code 3 means that an archive has damaged files.
run() {
    "$program" "$@" --quiet || (($? == 3))
}

run ingest "$root/sample-data" "$root/sample-data-inventory" --store "$folder/store"
run ingest "$attack" --store "$folder/attack-store"
run powerbi --store "$folder/store" --output "$folder/sample" \
    --unused-days 28 --until 2026-03-23
run powerbi --from "$year" --output "$folder/year" \
    --data-folder 'D:\usage "project"\#(data) ]'\''s' --fiscal-year-start July
run powerbi --store "$folder/attack-store" --output "$folder/attack" --name 'Nutzung 2026_ä'
run powerbi --from "$root/sample-data" --output "$folder/plain" --tz Europe/Berlin
run powerbi --store "$folder/store" --output "$folder/empty" \
    --since 2001-01-01 --until 2001-01-02
rm -r "$folder/store" "$folder/attack-store"
