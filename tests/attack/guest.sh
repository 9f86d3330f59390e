#!/usr/bin/env bash
# Runs a command on a kernel with NFS and SMB, in an emulated machine: guest.sh COMMAND…
#
#     tests/attack/guest.sh tests/attack/shares.py PROGRAM --share nfs --pairs 24
#     tests/attack/guest.sh tests/attack/shares.py PROGRAM --share smb --pairs 24
#
# The machine has two emulated processors, Debian's kernel, and the root of this machine, read-only
# under a temporary file system. So the command runs in the same paths, and nothing that it writes
# stays. The command starts with NFS's server ready and the modules of NFS and SMB loaded. Needs the
# Debian packages qemu-system-x86, busybox-static, kmod, cpio, xz-utils, nfs-kernel-server,
# nfs-common, cifs-utils and samba, and root. Fetches a kernel into the cache, and installs nothing.
# GUEST_SECONDS limits the time (3,600). Ends with the exit code of the command.
set -euo pipefail
(($# > 0)) || { sed -n '2,4s/^# \?//p' "$0" >&2; exit 2; }

cache="${XDG_CACHE_HOME:-$HOME/.cache}/pbi-analyze/guest"
PATH=$PATH:/usr/sbin:/sbin
for program in qemu-system-x86_64 busybox modprobe depmod cpio unxz exportfs mount.cifs smbd; do
    command -v "$program" > /dev/null || { echo "guest.sh: needs $program" >&2; exit 2; }
done

# Fetches the kernel, and writes the first file system, which only mounts the root.
prepare() {
    local package folder=$1
    package=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
    mkdir -p "$folder/first"/{bin,dev,lower,modules,proc,rw,root,sys}
    (cd "$folder" && apt-get download -q "$package" && dpkg -x "$package"_*.deb kernel)
    find "$folder/kernel" -name '*.ko.xz' -print0 | xargs -0 -r unxz
    local version
    version=$(basename "$folder"/kernel/lib/modules/*)
    depmod -b "$folder/kernel" "$version"
    cp "$(command -v busybox)" "$folder/first/bin/"
    for module in virtio_pci 9pnet_virtio 9p overlay; do
        modprobe -d "$folder/kernel" -S "$version" --show-depends "$module" 2> /dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
        cp "$path" "$folder/first/modules/"
        basename "$path" >> "$folder/first/modules/order"
    done
    cat > "$folder/first/init" << 'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro,cache=loose root /lower
mount -t tmpfs -o size=60% rw /rw && mkdir /rw/upper /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work overlay /root
for folder in proc sys dev; do mount --move "/$folder" "/root/$folder"; done
cp -r /given /root/given
read -r script < /given/script
exec switch_root /root /bin/bash "$script" --inside
INIT
    chmod +x "$folder/first/init"
}

# Prepares the services in the emulated machine, and runs the command.
inside() {
    local kernel status=0
    kernel=$(cat /given/cache)/kernel
    mount -t tmpfs run /run
    mount -t tmpfs -o size=50% srv /srv
    ip link set lo up
    for module in nfsd nfsv3 nfsv4 cmac ccm gcm aesni_intel hmac md4 ecb cifs fuse; do
        modprobe -d "$kernel" "$module" || true
    done
    mount -t nfsd nfsd /proc/fs/nfsd
    mkdir -p /run/rpc_pipefs /var/lib/nfs/{v4recovery,sm,sm.bak}
    : > /etc/exports
    rpcbind -w
    rpc.mountd
    rpc.nfsd 4
    cd "$(cat /given/folder)"
    export TMPDIR=/srv
    mapfile -d '' -t command < /given/command
    "${command[@]}" || status=$?
    echo "guest.sh: ended with $status"
}

if [[ $1 == --inside ]]; then
    export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
    # The first process must not end before the machine is off.
    (inside) || echo "guest.sh: ended with $?"
    echo o > /proc/sysrq-trigger
    sleep 60
    exit
fi

if [[ ! -e $cache/kernel ]]; then
    partial=$(mktemp -d "$(dirname "$cache")/guest-XXXXXX")
    prepare "$partial" >&2
    mv "$partial" "$cache"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/given"
printf '%s\0' "$@" > "$work/given/command"
pwd > "$work/given/folder"
realpath "${BASH_SOURCE[0]}" > "$work/given/script"
echo "$cache" > "$work/given/cache"
# The kernel reads archives one after the other.
(cd "$cache/first" && find . | cpio --quiet -o -H newc) > "$work/first"
(cd "$work" && find given | cpio --quiet -o -H newc) >> "$work/first"
timeout "${GUEST_SECONDS:-3600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 6G -smp 2 \
    -nographic -no-reboot -nic none -kernel "$cache"/kernel/boot/vmlinuz-* -initrd "$work/first" \
    -append "console=ttyS0 loglevel=3 panic=-1 rdinit=/init" \
    -virtfs local,path=/,mount_tag=root,security_model=passthrough,readonly=on,multidevs=remap \
    < /dev/null | tr -d '\r' | tee "$work/output"
status=$(sed -n 's/^guest.sh: ended with //p' "$work/output" | tail -n 1)
exit "${status:-1}"
