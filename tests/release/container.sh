#!/usr/bin/env bash
# Builds the container image and runs the program in it: container.sh PROGRAM
#
# Needs root, Debian 12, buildah and unshare. The base image of the Containerfile is imitated from
# Debian's packages, because a test must not depend on a registry: it has a C library and the time
# zones, the user nonroot, no shell and no package manager. The program runs without a network.
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

store() { buildah --root "$folder/storage" --runroot "$folder/state" --storage-driver vfs "$@"; }
fail() {
    echo "$*" >&2
    exit 1
}

base=$(sed -n 's/^FROM //p' scripts/release/Containerfile)
mkdir -p "$folder"/{packages,root/etc,root/home/nonroot,root/tmp}
(cd "$folder/packages" && apt-get download --quiet=2 base-files libc6 libgcc-s1 tzdata 2> "$folder/messages") ||
    fail "$(cat "$folder/messages")"
for package in "$folder"/packages/*.deb; do
    dpkg-deb --extract "$package" "$folder/root"
done
echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' > "$folder/root/etc/passwd"
echo 'nonroot:x:65532:' > "$folder/root/etc/group"
container=$(store from scratch)
store copy --quiet "$container" "$folder/root" / > "$folder/messages"
store commit --quiet "$container" "$base" > "$folder/messages"

# The archive for ARM has the same program: it is packed and copied, but not run.
for architecture in x86_64 aarch64; do
    python3 scripts/release/package.py --program "$program" --run "$program" \
        --target "$architecture-unknown-linux-gnu" --output "$folder/archives" > "$folder/messages"
done
bash scripts/release/container.sh "$folder/archives" "$folder/context"
store build --quiet --pull-never --build-arg TARGETARCH=amd64 --tag image \
    --file scripts/release/Containerfile "$folder/context" > "$folder/messages"
store inspect --type image --format \
    'user {{.OCIv1.Config.User}}, runs {{.OCIv1.Config.Entrypoint}}, in {{.OCIv1.Config.WorkingDir}}{{"\n"}}' image
echo "size of the image: $(du -sb "$folder/context/amd64/pbi-analyze" | cut -f 1) bytes of the program, $(du -sb "$folder/root" | cut -f 1) of the base"

mkdir "$folder/data"
cp -r sample-data "$folder/data/activity-log"
chmod -R a+rX "$folder/data"
chown 65532:65532 "$folder/data"
container=$(store from --pull-never image)
inside() {
    unshare --net buildah --root "$folder/storage" --runroot "$folder/state" --storage-driver vfs \
        run --isolation chroot --volume "$folder/data:/data" "$container" "$@"
}
inside /usr/local/bin/pbi-analyze --version
inside /usr/local/bin/pbi-analyze ingest activity-log --quiet
inside /usr/local/bin/pbi-analyze report top-reports --tz Europe/Zurich --format csv > "$folder/inside.csv"
"$program" report top-reports --tz Europe/Zurich --format csv --store "$folder/data/store" > "$folder/outside.csv"
cmp "$folder/inside.csv" "$folder/outside.csv" || fail "the image gives another table"
owners=$(find "$folder/data/store" -printf '%u\n' | sort -u)
[[ $owners == 65532 ]] || fail "files of the store belong to $owners, expected 65532"
if inside /bin/sh -c true 2> "$folder/messages"; then
    fail "the image has a shell"
fi
echo "ingest and report ran in the image: $(wc -l < "$folder/inside.csv") lines of CSV, equal to those outside"
