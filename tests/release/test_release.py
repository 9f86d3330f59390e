"""Runs the steps of a release: python3 tests/release/test_release.py PROGRAM."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "scripts" / "release"
sys.path.insert(0, str(RELEASE))
from project import TARGETS, archive_name, package, version  # noqa: E402

PROGRAM = ""
LINUX = "x86_64-unknown-linux-gnu"
WINDOWS = "x86_64-pc-windows-msvc"
HAS_SHELL = os.name == "posix"


def run(*command, code=0, **options):
    command = [str(word) for word in command]
    if command[0].endswith(".py"):
        command.insert(0, sys.executable)
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", **options)
    if ran.returncode != code:
        raise AssertionError(f"{command} ended with {ran.returncode}: {ran.stderr}{ran.stdout}")
    return ran.stdout


def pack(target, folder, program):
    """Packs a program. The real one writes completions and manual pages."""
    flags = ["--program", program, "--run", PROGRAM, "--target", target, "--output", folder]
    run(RELEASE / "package.py", *flags)
    return folder / archive_name(target)


class ReleaseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="pbi-release-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        # Layout and checksums do not depend on the program. One archive has the real one.
        cls.program = cls.root / "program"
        cls.program.write_bytes(bytes(range(256)))
        cls.files = cls.root / "files"
        cls.archives = {target: pack(target, cls.files, cls.program) for target in TARGETS}

    def names(self, target):
        """Returns the files of an archive below its folder, with their modes."""
        path = self.archives[target]
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        else:
            with tarfile.open(path) as archive:
                members = archive.getmembers()
            found = {entry.name: entry.mode for entry in members}
            self.assertTrue(all((entry.mtime, entry.uid, entry.uname) == (0, 0, "") for entry in members))
        folder = f"pbi-analyze-{version()}-{target}/"
        self.assertTrue(all(name.startswith(folder) for name in found), "one folder")
        return {name.removeprefix(folder): mode for name, mode in found.items()}

    def test_archives_have_the_program_its_documents_pages_and_completions(self):
        commands = re.findall(r"^  ([a-z]+)  ", run(PROGRAM, "--help").split("Commands:")[1], re.M)
        self.assertGreater(len(commands), 10)
        pages = {f"man/pbi-analyze-{name}.1" for name in commands if name != "help"}
        for target in TARGETS:
            names = self.names(target)
            is_windows = "windows" in target
            program = "pbi-analyze.exe" if is_windows else "pbi-analyze"
            self.assertEqual(names[program], 0o755)
            expected = {program, "README.md", "CHANGELOG.md", "LICENSE", "docs/install.md"}
            expected |= {"scripts/pull/pull.py", "scripts/pull/pull.ps1", "man/pbi-analyze.1"}
            expected |= {f"completions/{name}" for name in (
                "pbi-analyze.bash", "_pbi-analyze", "pbi-analyze.fish", "pbi-analyze.ps1",
                "pbi-analyze.elv")}
            self.assertEqual(expected - set(names), set())
            self.assertEqual(pages - set(names), set(), "a page for each command")
            self.assertEqual("install.sh" in names, not is_windows)

    def test_same_files_give_the_same_archive(self):
        for target in (LINUX, WINDOWS):
            again = pack(target, self.root / "again", self.program)
            self.assertEqual(again.read_bytes(), self.archives[target].read_bytes(), target)

    @unittest.skipUnless(HAS_SHELL, "needs a POSIX shell")
    def test_installed_program_runs_from_an_empty_folder(self):
        with tarfile.open(pack(LINUX, self.root / "real", PROGRAM)) as archive:
            archive.extractall(self.root / "unpacked", filter="data")
        [folder] = (self.root / "unpacked").iterdir()
        prefix, empty = self.root / "prefix", self.root / "empty"
        empty.mkdir()
        environment = {"PATH": f"{prefix}/bin:{os.environ['PATH']}", "HOME": str(empty)}
        for _ in range(2):
            run("sh", folder / "install.sh", prefix, cwd=empty, env=environment)
        installed = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
        pages = {path for path in installed if path.startswith("share/man/man1/pbi-analyze")}
        self.assertGreater(len(pages), 10)
        self.assertEqual(
            installed - pages,
            {
                "bin/pbi-analyze",
                "share/bash-completion/completions/pbi-analyze",
                "share/zsh/site-functions/_pbi-analyze",
                "share/fish/vendor_completions.d/pbi-analyze.fish",
            },
        )
        self.assertEqual(list(empty.iterdir()), [], "nothing else is changed")
        says = run("pbi-analyze", "--version", cwd=empty, env=environment)
        self.assertEqual(says.strip(), f"pbi-analyze {version()}")
        sample = [ROOT / "sample-data", "--quiet"]
        run("pbi-analyze", "ingest", *sample, cwd=empty, env=environment)
        table = run("pbi-analyze", "report", "top-reports", cwd=empty, env=environment)
        self.assertIn("Sales Overview", table)
        script = f". {prefix}/share/bash-completion/completions/pbi-analyze; complete -p pbi-analyze"
        self.assertIn("-F _pbi__analyze pbi-analyze", run("bash", "-c", script))
        if shutil.which("man"):
            page = run("man", "-M", prefix / "share/man", "pbi-analyze-gaps")
            self.assertIn("download the day again", " ".join(page.split()))
        run("sh", folder / "install.sh", "--remove", prefix, cwd=empty, env=environment)
        self.assertEqual([path for path in prefix.rglob("*") if path.is_file()], [])

    @unittest.skipUnless(HAS_SHELL, "needs a POSIX shell")
    def test_checksums_bill_and_manifests_agree(self):
        manifests = self.root / "manifests"
        run("bash", RELEASE / "assemble.sh", self.files, manifests, "contoso/pbi-analyze")
        lines = (self.files / "SHA256SUMS").read_text().splitlines()
        sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
        bill = f"pbi-analyze-{version()}.cdx.json"
        self.assertEqual(set(sums), {archive_name(target) for target in TARGETS} | {bill})
        for name, digest in sums.items():
            content = (self.files / name).read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), digest)
        if shutil.which("sha256sum"):
            run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=self.files)

        scoop = json.loads((manifests / "scoop/pbi-analyze.json").read_text("utf-8"))
        self.assertEqual(scoop["version"], version())
        url = f"https://github.com/contoso/pbi-analyze/releases/download/v{version()}/"
        for target, name in [(WINDOWS, "64bit"), ("aarch64-pc-windows-msvc", "arm64")]:
            entry = scoop["architecture"][name]
            self.assertEqual(entry["url"], url + archive_name(target))
            self.assertEqual(entry["hash"], sums[archive_name(target)])
            inside = f"{entry['extract_dir']}/{scoop['bin']}"
            with zipfile.ZipFile(self.archives[target]) as archive:
                self.assertIn(inside, archive.namelist(), "the path in the manifest exists")

        winget = {path.name: path.read_text("utf-8") for path in (manifests / "winget").iterdir()}
        self.assertEqual(len(winget), 3)
        for text in winget.values():
            self.assertIn(f"PackageVersion: {version()}\n", text)
            self.assertIn("PackageIdentifier: contoso.pbi-analyze\n", text)
        installer = winget["contoso.pbi-analyze.installer.yaml"]
        found = re.findall(r"InstallerUrl: (\S+)\n  InstallerSha256: (\S+)", installer)
        self.assertEqual(
            {(address.removeprefix(url), digest.lower()) for address, digest in found},
            {(name, digest) for name, digest in sums.items() if name.endswith(".zip")},
        )
        nested = re.findall(r"RelativeFilePath: (\S+)", installer)
        for path, target in zip(nested, [WINDOWS, "aarch64-pc-windows-msvc"], strict=True):
            with zipfile.ZipFile(self.archives[target]) as archive:
                self.assertIn(path.replace("\\", "/"), archive.namelist())

        formula = manifests / "homebrew/pbi-analyze.rb"
        text = formula.read_text("utf-8")
        self.assertIn("class PbiAnalyze < Formula\n", text)
        found = re.findall(r'url "(\S+)"\n +sha256 "(\S+)"', text)
        self.assertEqual(
            {(address.removeprefix(url), digest) for address, digest in found},
            {(name, digest) for name, digest in sums.items() if name.endswith(".tar.gz")},
        )
        for path in re.findall(r'"((?:man|completions)/[^"*]+|pbi-analyze)"', text):
            self.assertIn(path, self.names("aarch64-apple-darwin"))
        if shutil.which("ruby"):
            run("ruby", "-c", formula)

    def test_bill_names_the_crates_of_the_program_only(self):
        bill = json.loads(run(RELEASE / "sbom.py"))
        names = {component["name"] for component in bill["components"]}
        self.assertTrue({"polars", "parquet", "clap", "serde_core"} <= names)
        self.assertFalse({"criterion", "proptest"} & names, "only tests need them")
        self.assertGreater(len(names), 200)
        references = {component["bom-ref"] for component in bill["components"]}
        for dependency in bill["dependencies"]:
            self.assertLessEqual(set(dependency["dependsOn"]), references)
        self.assertTrue(all(component["hashes"] for component in bill["components"]))
        self.assertEqual(bill["metadata"]["component"]["version"], version())

    def test_manifest_without_an_archive_is_refused(self):
        sums = self.root / "incomplete"
        sums.write_text(f"{'0' * 64}  {archive_name(LINUX)}\n")
        flags = ["--sums", sums, "--repository", "a/b", "--output", self.root / "none"]
        ran = subprocess.run(
            [sys.executable, RELEASE / "manifests.py", *flags], capture_output=True, text=True
        )
        self.assertEqual(ran.returncode, 1)
        self.assertIn("does not name", ran.stderr)

    def test_tag_version_and_changelog_agree(self):
        project = RELEASE / "project.py"
        run(project, "check-tag", f"v{version()}")
        run(project, "check-tag", "v999.0.0", code=1)
        self.assertEqual(run(project, "version").strip(), version())
        self.assertEqual(run(project, "rust").strip(), package()["rust-version"])
        self.assertIn("### Added", run(project, "notes"))

    @unittest.skipUnless(HAS_SHELL, "needs a POSIX shell")
    def test_container_gets_files_that_exist(self):
        context = self.root / "context"
        run("bash", RELEASE / "container.sh", self.files, context)
        text = (RELEASE / "Containerfile").read_text()
        copied = re.findall(r"^COPY \$\{TARGETARCH\}/(\S+)", text, re.M)
        self.assertEqual(copied, ["pbi-analyze", "LICENSE"])
        for architecture in ("amd64", "arm64"):
            for name in copied:
                self.assertTrue((context / architecture / name).is_file())
        self.assertIn("USER nonroot", text)

    def test_workflows_run_only_scripts_that_exist(self):
        for path in (ROOT / ".github" / "workflows").glob("*.yml"):
            named = re.findall(r"(?:scripts|tests)/[\w./-]+\.(?:sh|py)", path.read_text("utf-8"))
            self.assertGreater(len(named), 2)
            for name in named:
                self.assertTrue((ROOT / name).is_file(), f"{path.name}: {name}")


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=1)
