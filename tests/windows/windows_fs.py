"""A file system with the rules of Windows, as a folder of Linux.

    windows_fs.py BACKING MOUNT [--log FILE]

The files are in the folder BACKING, and MOUNT shows them. Every rule below has a name, and each
time it refuses something, a line `RULE OPERATION PATH PROGRAM` is written to the log. The rules are
those of Microsoft's documentation:

name        Reserved characters, control characters, device names such as NUL or COM1, also with an
            extension, and a period or space at the end.
            https://learn.microsoft.com/windows/win32/fileio/naming-a-file
case        Names that differ in case only are one name (same page). Nothing is refused.
length      A path has at most 259 characters. MOUNT counts as a folder with 80 characters.
            https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
shared      A file that is open in a program that does not share deletion cannot be deleted or
            renamed. Rust shares it (the default of OpenOptionsExt::share_mode), most others do not.
            https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew
pending     A deleted file that is still open keeps its name until it is closed: the name cannot be
            opened or taken, and its folder cannot be deleted.
            https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-deletefilew
replace     An open file cannot be replaced by a rename.
            https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-movefileexw
folder      A folder with open files cannot be renamed.
            https://learn.microsoft.com/windows-hardware/drivers/ddi/ntifs/ns-ntifs-_file_rename_information
locked      Nobody reads or writes a locked file, except through the handle that locked it.
            https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-lockfileex
read-only   A read-only file cannot be deleted or replaced (page of DeleteFile).
sync        A folder cannot be synced: FlushFileBuffers needs write access, which folders do not
            give. https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-flushfilebuffers
link        There are no hard links, as on FAT and on many shares.
            https://learn.microsoft.com/windows/win32/fileio/hard-links-and-junctions

NTFS of Windows 10 and later often deletes an open file at once (FILE_DISPOSITION_POSIX_SEMANTICS).
The older rule is stricter, and shares still have it.

Needs Linux with /dev/fuse, libfuse 3 (Debian: fuse3) and the Python package mfusepy.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Version 2 of libfuse, which mfusepy would prefer, does not pass on the flags of a rename.
os.environ["FUSE_LIBRARY_NAME"] = "fuse3"
from mfusepy import FUSE, FuseOSError, Operations, fuse_get_context  # noqa: E402

# A store is in a folder of this length, for example C:\Users\firstname.lastname\OneDrive\….
FOLDER_LENGTH = 80
MAX_PATH = 259
RESERVED = set('<>:"\\|?*') | {chr(code) for code in range(1, 32)}
DEVICES = {"CON", "PRN", "AUX", "NUL"} | {f"{name}{n}" for name in ("COM", "LPT") for n in range(1, 10)}
NO_REPLACE = 1

# Programs that share deletion: this project's, and its tests.
SHARING = ("pbi-analyze", "pbi_analyze", "it-")


@dataclass
class Handle:
    descriptor: int
    inode: int
    program: str
    shares: bool
    is_locking: bool = False


@dataclass
class Files:
    """The open files, by inode."""

    handles: dict[int, Handle] = field(default_factory=dict)
    # Deleted, but still open: the path that keeps its name.
    pending: dict[int, str] = field(default_factory=dict)
    last: int = 0

    def of(self, inode: int) -> list[Handle]:
        return [handle for handle in self.handles.values() if handle.inode == inode]


def program_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/exe").readlink().name
    except OSError:
        return "?"


class WindowsFs(Operations):
    def __init__(self, backing: str, log: str | None) -> None:
        self.backing = backing
        self.files = Files()
        self.lock_all = threading.RLock()
        self.log = open(log, "a", encoding="utf-8", buffering=1) if log else None

    def refuse(self, rule: str, operation: str, path: str, number: int) -> FuseOSError:
        if self.log:
            program = program_of(fuse_get_context()[2])
            self.log.write(f"{rule} {operation} {path} {program}\n")
        return FuseOSError(number)

    # Paths.

    def find(self, path: str) -> str:
        """Returns the path in the backing folder, with the names as they are stored there."""
        found = self.backing
        for name in path.strip("/").split("/"):
            if not name:
                continue
            there = os.path.join(found, name)
            if not os.path.lexists(there) and os.path.isdir(found):
                low = name.lower()
                there = next(
                    (os.path.join(found, other) for other in os.listdir(found) if other.lower() == low),
                    there,
                )
            found = there
        return found

    def check_name(self, path: str, operation: str) -> None:
        """Checks a name that is going to exist."""
        name = path.rsplit("/", 1)[-1]
        is_device = name.split(".", 1)[0].rstrip(" ").upper() in DEVICES
        if is_device or RESERVED & set(name) or name.endswith((".", " ")):
            raise self.refuse("name", operation, path, errno.EINVAL)
        if FOLDER_LENGTH + len(path.encode("utf-16-le")) // 2 > MAX_PATH:
            raise self.refuse("length", operation, path, errno.ENAMETOOLONG)

    def check_pending(self, there: str, path: str, operation: str) -> None:
        if there in self.files.pending.values():
            raise self.refuse("pending", operation, path, errno.EACCES)

    def handles_of(self, there: str) -> list[Handle]:
        try:
            return self.files.of(os.lstat(there).st_ino)
        except FileNotFoundError:
            return []

    def check_shared(self, there: str, path: str, operation: str) -> None:
        if any(not handle.shares for handle in self.handles_of(there)):
            raise self.refuse("shared", operation, path, errno.EACCES)

    def check_writable(self, there: str, path: str, operation: str) -> None:
        status = os.lstat(there)
        if stat.S_ISREG(status.st_mode) and not status.st_mode & 0o222:
            raise self.refuse("read-only", operation, path, errno.EACCES)

    # Names.

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        with self.lock_all:
            if fh is not None and fh in self.files.handles:
                status = os.fstat(self.files.handles[fh].descriptor)
            else:
                there = self.find(path)
                self.check_pending(there, path, "stat")
                status = os.lstat(there)
        names = ("st_atime", "st_ctime", "st_gid", "st_ino", "st_mode", "st_mtime", "st_nlink")
        found = {name: getattr(status, name) for name in (*names, "st_size", "st_uid", "st_blocks")}
        for name in ("st_atime", "st_ctime", "st_mtime"):
            found[name] = getattr(status, f"{name}_ns")
        return found

    def readdir(self, path: str, fh: int) -> list[tuple[str, dict[str, int], int]]:
        folder = self.find(path)
        found = []
        for name in (".", "..", *os.listdir(folder)):
            try:
                status = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue  # It was deleted meanwhile.
            found.append((name, {"st_ino": status.st_ino, "st_mode": status.st_mode}, 0))
        return found

    def mkdir(self, path: str, mode: int) -> int:
        with self.lock_all:
            self.check_name(path, "mkdir")
            there = self.find(path)
            self.check_pending(there, path, "mkdir")
            os.mkdir(there, mode)
            return 0

    def rmdir(self, path: str) -> int:
        with self.lock_all:
            there = self.find(path)
            if any(name.startswith(there + "/") for name in self.files.pending.values()):
                raise self.refuse("pending", "rmdir", path, errno.ENOTEMPTY)
            os.rmdir(there)
            return 0

    def unlink(self, path: str) -> int:
        with self.lock_all:
            there = self.find(path)
            self.check_pending(there, path, "unlink")
            self.check_shared(there, path, "unlink")
            self.check_writable(there, path, "unlink")
            if self.handles_of(there):
                self.files.pending[os.lstat(there).st_ino] = there
            else:
                os.unlink(there)
            return 0

    def rename(self, old: str, new: str, flags: int = 0) -> int:
        with self.lock_all:
            self.check_name(new, "rename")
            source, target = self.find(old), self.find(new)
            self.check_pending(source, old, "rename")
            self.check_pending(target, new, "rename")
            self.check_shared(source, old, "rename")
            if os.path.isdir(source):
                below = source + "/"
                paths = [os.readlink(f"/proc/self/fd/{handle.descriptor}")
                         for handle in self.files.handles.values()]
                if any(name.startswith(below) for name in paths):
                    raise self.refuse("folder", "rename", old, errno.EACCES)
            if os.path.lexists(target) and not os.path.samefile(source, target):
                if flags & NO_REPLACE:
                    raise FuseOSError(errno.EEXIST)
                if self.handles_of(target):
                    raise self.refuse("replace", "rename", new, errno.EACCES)
                self.check_writable(target, new, "rename")
            else:
                target = os.path.join(os.path.dirname(target), os.path.basename(new))
            os.rename(source, target)
            return 0

    def link(self, target: str, source: str) -> int:
        raise self.refuse("link", "link", target, errno.EPERM)

    def symlink(self, target: str, source: str) -> int:
        self.check_name(target, "symlink")
        os.symlink(source, self.find(target))
        return 0

    def readlink(self, path: str) -> str:
        return os.readlink(self.find(path))

    def chmod(self, path: str, mode: int) -> int:
        os.chmod(self.find(path), mode)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        os.lchown(self.find(path), uid, gid)
        return 0

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        os.utime(self.find(path), ns=times, follow_symlinks=False)
        return 0

    def access(self, path: str, amode: int) -> int:
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self.backing)
        names = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files")
        return {name: getattr(found, name) for name in (*names, "f_frsize", "f_namemax")}

    # Content.

    def add_handle(self, descriptor: int) -> int:
        program = program_of(fuse_get_context()[2])
        self.files.last += 1
        shares = program.startswith(SHARING)
        inode = os.fstat(descriptor).st_ino
        self.files.handles[self.files.last] = Handle(descriptor, inode, program, shares)
        return self.files.last

    def open(self, path: str, flags: int) -> int:
        with self.lock_all:
            there = self.find(path)
            self.check_pending(there, path, "open")
            if flags & os.O_TRUNC:
                self.check_unlocked(os.lstat(there).st_ino, None, path, "truncate")
            # The kernel has done its part of appending.
            return self.add_handle(os.open(there, flags & ~os.O_APPEND))

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        with self.lock_all:
            self.check_name(path, "create")
            there = self.find(path)
            self.check_pending(there, path, "create")
            flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if os.path.lexists(there) else 0)
            return self.add_handle(os.open(there, flags, mode))

    def check_unlocked(self, inode: int, fh: int | None, path: str, operation: str) -> None:
        own = self.files.handles.get(fh) if fh is not None else None
        if any(handle.is_locking and handle is not own for handle in self.files.of(inode)):
            raise self.refuse("locked", operation, path, errno.EACCES)

    def handle(self, fh: int, path: str, operation: str) -> Handle:
        with self.lock_all:
            handle = self.files.handles[fh]
            self.check_unlocked(handle.inode, fh, path, operation)
            return handle

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(self.handle(fh, path, "read").descriptor, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        return os.pwrite(self.handle(fh, path, "write").descriptor, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        if fh is None:
            os.truncate(self.find(path), length)
        else:
            os.ftruncate(self.handle(fh, path, "truncate").descriptor, length)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        raise self.refuse("sync", "fsync", path, errno.EINVAL)

    def flock(self, path: str, fh: int, op: int) -> int:
        with self.lock_all:
            handle = self.files.handles[fh]
            try:
                fcntl.flock(handle.descriptor, op | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FuseOSError(errno.EWOULDBLOCK) from None
            handle.is_locking = bool(op & fcntl.LOCK_EX)
            return 0

    def release(self, path: str, fh: int) -> int:
        with self.lock_all:
            handle = self.files.handles.pop(fh)
            os.close(handle.descriptor)
            if handle.inode in self.files.pending and not self.files.of(handle.inode):
                os.unlink(self.files.pending.pop(handle.inode))
            return 0


class WindowsFuse(FUSE):
    def rename_fuse_3(self, old: bytes, new: bytes, flags: int) -> int:
        paths = [path.decode(self.encoding, self.errors) for path in (old, new)]
        return self.operations.rename(*paths, flags)

    def flock(self, path: bytes | None, fip: Any, op: int) -> int:
        # A deleted file has no path.
        return self.operations.flock("", fip.contents.fh, op)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backing")
    parser.add_argument("mount")
    parser.add_argument("--log")
    arguments = parser.parse_args()
    fs = WindowsFs(os.path.realpath(arguments.backing), arguments.log)
    fs.use_ns = True
    # Nothing is remembered by the kernel, and deleted files are not hidden.
    WindowsFuse(
        fs, arguments.mount, foreground=True, allow_other=True, hard_remove=True,
        attr_timeout=0, entry_timeout=0, negative_timeout=0, use_ino=True, direct_io=False,
    )


if __name__ == "__main__":
    main()
