#!/usr/bin/env python3
"""Lets two machines write to one store on a share whose locks are local to each machine.

Two mounts of one folder stand for the machines: a lock that one mount gives is not seen by the
other. With --share bindfs, they show each change at once. With --share sshfs, each is a connection
to a server of its own that remembers listings and attributes for 20 seconds, and cannot rename
without replacing. With --share nfs or smb, each is a mount of the kernel's, with the locks of the
server; with nfs-nolock or smb-nobrl, locks stay in the mount. Both remember listings, too
(guest.sh runs this on a kernel that has them). In each round, two ingests of overlapping files start at random moments, each through its
own mount. Some rounds kill one of them. A run that fails is run again, as its message asks. At the
end of a round, the store must contain each event once, and `verify` must find nothing.

    tests/attack/shares.py PROGRAM [--share KIND] [--pairs 300] [--seed 1] [--kills 0.2]
        [--load 0] [--one-machine]

The second run has namespaces of its own: another host name, another start of the machine, and no
view of the processes of the first. With --one-machine, it has not, and the runs see each other.

Needs Linux with /dev/fuse, the programs fusermount and bindfs (Debian: fuse3, bindfs), or sshfs,
socat and sftp-server (Debian: sshfs, socat, openssh-sftp-server), or the servers and modules that
guest.sh loads, and root for the namespaces, best in a virtual machine. Installs nothing. Prints the counts as one JSON object,
and ends with 1 if an event was lost or doubled, a store was damaged, a failure was silent or not
repaired, or more than 5 % of the runs failed that were not killed.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

EVENTS_OF_A_FILE = 400
# How long a mount can show what has changed, in seconds.
REMEMBERS = {"bindfs": 0, "sshfs": 21, "nfs": 61, "nfs-nolock": 61, "smb": 3, "smb-nobrl": 3}
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
NFS, SMB = ["mount.nfs", "exportfs"], ["mount.cifs", "smbd"]
PROGRAMS = {
    "bindfs": ["fusermount", "bindfs"], "sshfs": ["fusermount", "sshfs", "socat", SFTP_SERVER],
    "nfs": NFS, "nfs-nolock": NFS, "smb": SMB, "smb-nobrl": SMB,
}
NFS_OPTIONS = {"nfs": "vers=4.2", "nfs-nolock": "vers=3,nolock"}
SMB_OPTIONS = {"smb": "", "smb-nobrl": ",nobrl"}
SMB_CONFIGURATION = """
[global]
server role = standalone server
map to guest = Bad User
guest account = root
interfaces = 127.0.0.1
bind interfaces only = yes
load printers = no
disable spoolss = yes
lock directory = {state}
state directory = {state}
cache directory = {state}
private dir = {state}
pid directory = {state}
ncalrpc dir = {state}/ncalrpc
log file = {state}/log
[share]
path = {folder}
read only = no
guest ok = yes
force user = root
"""
MAX_REPAIRS = 3

# Runs a command as if on another machine, whose boot id is in a file.
OTHER_MACHINE = """
mount -t proc proc /proc && mount --bind "$0" /proc/sys/kernel/random/boot_id &&
hostname other-machine && exec "$@"
"""


def write_source(path, first, count):
    """Writes a page of REST events with the numbers from `first` on."""
    entities = [
        {
            "Id": f"{number:08x}-0000-4000-8000-000000000000",
            "CreationTime": f"2026-0{number % 3 + 1}-{number % 28 + 1:02}T10:00:00Z",
            "Operation": "ViewReport",
            "Workload": "PowerBI",
            "UserId": f"user{number % 50}@contoso.com",
        }
        for number in range(first, first + count)
    ]
    path.write_text(json.dumps({"activityEventEntities": entities}))


def write_sources(folder, rng):
    """Writes two archives that share events, and returns the ids of both."""
    ids = set()
    for name in ("a", "b"):
        (folder / name).mkdir()
        for file in range(rng.randint(1, 4)):
            first = rng.randrange(0, 4000)
            write_source(folder / name / f"{file}.json", first, EVENTS_OF_A_FILE)
            ids |= set(range(first, first + EVENTS_OF_A_FILE))
    return {f"{number:08x}-0000-4000-8000-000000000000" for number in ids}


def burn():
    while True:
        sum(range(10_000))


class Share:
    """Mounts a folder twice."""

    def __init__(self, kind, folder, mounts):
        self.mounts = mounts
        self.servers = []
        try:
            for mount in mounts:
                command = ["bindfs", str(folder), str(mount)]
                if kind == "sshfs":
                    command = self.sshfs(folder, mount)
                elif kind in NFS_OPTIONS:
                    command = self.nfs(folder, mount, NFS_OPTIONS[kind])
                elif kind in SMB_OPTIONS:
                    command = self.smb(folder, mount, SMB_OPTIONS[kind])
                subprocess.run(command, check=True)
        except BaseException:
            self.close()
            raise

    def sshfs(self, folder, mount):
        """Starts a server for a mount, and returns the command that connects to it."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        listen = f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr"
        self.servers.append(subprocess.Popen(["socat", listen, f"EXEC:{SFTP_SERVER}"]))
        time.sleep(0.5)
        return ["sshfs", "-o", f"directport={port}", f"127.0.0.1:{folder}", str(mount)]

    def nfs(self, folder, mount, options):
        """Exports a folder, and returns the command that mounts it with caches of its own."""
        export = ["exportfs", "-o", "rw,no_root_squash,insecure,fsid=0", f"127.0.0.1:{folder}"]
        subprocess.run(export, check=True)
        # Version 4 calls the folder with the number 0 its root.
        source = "127.0.0.1:/" if "vers=4" in options else f"127.0.0.1:{folder}"
        return ["mount", "-t", "nfs", "-o", f"nosharecache,{options}", source, str(mount)]

    def smb(self, folder, mount, options):
        """Starts a server, and returns the command that mounts its share with a connection of its
        own."""
        if not self.servers:
            state = folder.parent / "smb"
            state.mkdir()
            text = SMB_CONFIGURATION.format(state=state, folder=folder)
            (state / "smb.conf").write_text(text)
            command = ["smbd", "--foreground", "--no-process-group", "-s", str(state / "smb.conf")]
            # It ends all processes of its group.
            quiet = {"stdout": subprocess.DEVNULL, "start_new_session": True}
            self.servers.append(subprocess.Popen(command, **quiet))
            time.sleep(5)
        options = f"guest,vers=3.1.1,nosharesock,noperm{options}"
        return ["mount", "-t", "cifs", "-o", options, "//127.0.0.1/share", str(mount)]

    def close(self):
        for mount in self.mounts:
            subprocess.run(["umount", str(mount)], stderr=subprocess.DEVNULL)
        for server in self.servers:
            server.terminate()


class Attack:
    def __init__(self, options):
        self.program = str(Path(options.program).resolve())
        self.options = options
        self.remembers = REMEMBERS[options.share]
        self.rng = random.Random(options.seed)
        self.counts = dict.fromkeys(
            ["pairs", "runs", "killed", "failed", "silent", "unrepaired", "lost", "doubled"]
            + ["damaged", "repairs", "left", "late"], 0
        )
        self.messages = {}

    def store(self, mount):
        # A mount remembers for a second that a folder exists. So every pair has a new one.
        return mount / f"store-{self.counts['pairs']}"

    def start(self, archive, mount):
        command = [self.program, "ingest", str(archive), "--store", str(self.store(mount)), "--quiet"]
        if mount.name == "two" and not self.options.one_machine:
            namespaces = ["--mount", "--pid", "--uts", "--fork", "--kill-child"]
            boot_id = str(mount.parent / "boot-id")
            command = ["unshare", *namespaces, "sh", "-c", OTHER_MACHINE, boot_id, *command]
        out = subprocess.DEVNULL
        return subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)

    def finish(self, process, kill_after):
        """Waits for a run, or kills it. Returns true if it was killed."""
        try:
            process.wait(timeout=kill_after if kill_after is not None else 600)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True

    def judge(self, process, was_killed):
        """Counts how a run has ended. Returns true if it must be run again."""
        self.counts["runs"] += 1
        message = process.stderr.read().strip()
        if was_killed:
            self.counts["killed"] += 1
            return True
        if process.returncode == 0:
            return False
        self.counts["failed"] += 1
        self.counts["silent"] += not message
        text = " ".join(message.split())[-160:]
        self.messages[text] = self.messages.get(text, 0) + 1
        return True

    def repair(self, archive, mount):
        for _ in range(MAX_REPAIRS):
            self.counts["repairs"] += 1
            process = self.start(archive, mount)
            process.wait()
            if process.returncode == 0:
                return
        self.counts["unrepaired"] += 1
        print("not repaired:", process.stderr.read(), file=sys.stderr)

    def check(self, mount, expected, sources, is_second=False):
        store = str(self.store(mount))
        exported = subprocess.run(
            [self.program, "export", "--store", store], capture_output=True, text=True
        )
        found = [json.loads(line)["Id"] for line in exported.stdout.splitlines()]
        self.counts["lost"] += len(expected - set(found))
        self.counts["doubled"] += len(found) - len(set(found))
        verified = subprocess.run(
            [self.program, "verify", "--store", store, "--format", "json"],
            capture_output=True,
            text=True,
        )
        is_damaged = exported.returncode != 0 or verified.returncode != 0
        if is_damaged and self.remembers and not is_second:
            # A request of a killed run can arrive after the next run has listed the folder. The run
            # after that deletes the file.
            self.counts["late"] += 1
            time.sleep(self.remembers)
            self.counts["lost"] -= len(expected - set(found))
            self.counts["doubled"] -= len(found) - len(set(found))
            for name in ("one", "two"):
                self.repair(sources / "a", mount.parent / name)
            self.check(mount, expected, sources, is_second=True)
            return
        self.counts["damaged"] += is_damaged
        if is_damaged:
            print("damaged:", exported.stderr, verified.stdout[-2000:], file=sys.stderr)
        else:
            verdict = json.loads(verified.stdout)
            self.counts["left"] += bool(verdict["orphans"] or verdict["in_progress"])

    def pair(self, folder):
        self.counts["pairs"] += 1
        sources = folder / f"sources-{self.counts['pairs']}"
        sources.mkdir()
        mounts = [folder / "one", folder / "two"]
        expected = write_sources(sources, self.rng)
        # A pause of up to half a second: the runs overlap in every way.
        pauses = [0, self.rng.uniform(0, 0.5)]
        self.rng.shuffle(pauses)
        kill = self.rng.random() < self.options.kills
        kills = [self.rng.uniform(0.02, 0.6) if kill else None, None]
        self.rng.shuffle(kills)
        runs = []
        for archive, mount, pause in sorted(zip("ab", mounts, pauses), key=lambda run: run[2]):
            time.sleep(pause)
            runs.append((self.start(sources / archive, mount), sources / archive, mount))
        # Every third pair also merges at the same time.
        merge = None
        if self.counts["pairs"] % 3 == 0:
            command = [self.program, "compact", "--store", str(self.store(mounts[0])), "--quiet"]
            merge = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        killed = [self.finish(run[0], kill) for run, kill in zip(runs, kills)]
        if merge:
            merge.wait()
        again = [run for run, dead in zip(runs, killed) if self.judge(run[0], dead)]
        for _, archive, mount in again:
            self.repair(archive, mount)
        # A mount that shows changes late is not asked.
        self.check(folder / "back" if self.remembers else self.rng.choice(mounts), expected, sources)
        for path in (folder / "back").iterdir():
            shutil.rmtree(path)
        shutil.rmtree(sources)

    def run(self):
        load = [multiprocessing.Process(target=burn, daemon=True) for _ in range(self.options.load)]
        for process in load:
            process.start()
        folder = Path(tempfile.mkdtemp(prefix="pbi-analyze-shares-"))
        mounts = [folder / "one", folder / "two"]
        for path in (folder / "back", *mounts):
            path.mkdir()
        (folder / "boot-id").write_text(f"{uuid.uuid4()}\n")
        share = None
        try:
            share = Share(self.options.share, folder / "back", mounts)
            for _ in range(self.options.pairs):
                self.pair(folder)
        finally:
            if share:
                share.close()
            if not any(mount.is_mount() for mount in mounts):
                shutil.rmtree(folder, ignore_errors=True)
            for process in load:
                process.terminate()
        return self.report()

    def report(self):
        counts = self.counts
        share = counts["failed"] / max(1, counts["runs"] - counts["killed"])
        print(json.dumps({**counts, "failed_share": round(share, 4), "messages": self.messages}))
        wrong = ["silent", "unrepaired", "lost", "doubled", "damaged"]
        return 1 if share > 0.05 or any(counts[name] for name in wrong) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--share", choices=sorted(PROGRAMS), default="bindfs")
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=float, default=0.2, help="share of pairs with a killed run")
    parser.add_argument("--load", type=int, default=0, help="processes that only use the processor")
    parser.add_argument("--one-machine", action="store_true", help="no namespaces, needs no root")
    options = parser.parse_args()
    missing = [name for name in PROGRAMS[options.share] if shutil.which(name) is None]
    if options.share in ("bindfs", "sshfs") and not Path("/dev/fuse").exists():
        missing.append("/dev/fuse")
    if missing:
        print(f"needs {', '.join(missing)}", file=sys.stderr)
        return 2
    if not options.one_machine and os.geteuid() != 0:
        print("needs root, or --one-machine", file=sys.stderr)
        return 2
    return Attack(options).run()


if __name__ == "__main__":
    sys.exit(main())
