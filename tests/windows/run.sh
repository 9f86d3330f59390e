#!/usr/bin/env bash
# Runs the tests of the store on a file system with the rules of Windows (windows_fs.py):
#
#     run.sh PYTHON [--faults]
#
# PYTHON is an interpreter with the package mfusepy. --faults adds the tests that let every step on
# the disk fail, which take several minutes. Prints how often each rule refused something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$1
faults=${2:-}

folder=$(mktemp -d)
mkdir "$folder/files" "$folder/windows"
"$python" tests/windows/windows_fs.py "$folder/files" "$folder/windows" --log "$folder/log" \
    > "$folder/messages" 2>&1 &
finish() {
    fusermount3 -u "$folder/windows" || true
    wait
    rm -rf "$folder"
}
trap finish EXIT
for _ in $(seq 50); do
    mountpoint -q "$folder/windows" && break
    sleep 0.1
done
if ! mountpoint -q "$folder/windows"; then
    echo "the file system cannot be mounted; it needs /dev/fuse and libfuse 3:" >&2
    cat "$folder/messages" >&2
    exit 1
fi
export TMPDIR="$folder/windows"

# Tests of what Windows does not have. README.md gives the reasons.
unix_only=(
    --skip exclusive_rename_with_a_lost_response_succeeds
    --skip lock_file_and_files_must_be_there_before_and_after_a_commit
    --skip own_lock_file_stays_if_its_lock_is_not_seen
    --skip files_of_a_machine_that_may_be_writing_stay
    --skip list_of_rejects_is_equal_in_every_format
    --skip names_of_files_do_not_control_the_terminal
    --skip output_to_a_pipe_is_written_into_it
    --skip writers_start_while_others_clean
)
rooms=(
    forget:: forget_result:: id_prefixes:: log_damage:: orphans:: private:: races:: rejects::
    rewritten:: truncated:: verify::
)
if [[ $faults == --faults ]]; then
    rooms+=(faults::)
fi
cargo test --release --locked --quiet --lib -- store:: "${unix_only[@]}"
cargo test --release --locked --quiet --test it -- "${rooms[@]}" "${unix_only[@]}"

# A program that does not share deletion keeps data files open, as Excel or DuckDB on Windows.
"$python" tests/windows/open_files.py "${CARGO_TARGET_DIR:-target}/release/pbi-analyze"

echo "refused, by rule and operation:"
cut -d ' ' -f 1,2 "$folder/log" | sort | uniq -c
