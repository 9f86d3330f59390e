#!/usr/bin/env python3
"""Writes the manifests for winget, Scoop and Homebrew:

    manifests.py --sums SHA256SUMS --repository OWNER/NAME --output DIR

Version, description and license come from Cargo.toml, and checksums from the file, so all manifests
name the same archives.
"""

import argparse
import json
import pathlib

from project import PROGRAM, archive_name, package, version

# winget and Scoop have names of their own for architectures.
WINDOWS = {"x86_64-pc-windows-msvc": ("x64", "64bit"), "aarch64-pc-windows-msvc": ("arm64", "arm64")}
WINGET_VERSION = "1.6.0"


class Release:
    """The archives of a version, with their addresses and checksums."""

    def __init__(self, sums, repository):
        self.repository = repository
        self.owner = repository.split("/")[0]
        self.home = f"https://github.com/{repository}"
        lines = sums.read_text(encoding="utf-8").splitlines()
        self.sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}

    def url(self, target):
        return f"{self.home}/releases/download/v{version()}/{archive_name(target)}"

    def digest(self, target):
        name = archive_name(target)
        if name not in self.sums:
            raise SystemExit(f"SHA256SUMS does not name {name}; build it first")
        return self.sums[name]


def winget(release):
    """Returns the three files of a winget package."""
    name = f"{release.owner}.{PROGRAM}"

    def document(kind, lines):
        head = [
            f"# yaml-language-server: $schema=https://aka.ms/winget-manifest.{kind}.{WINGET_VERSION}"
            ".schema.json",
            f"PackageIdentifier: {name}",
            f"PackageVersion: {version()}",
        ]
        tail = [f"ManifestType: {kind}", f"ManifestVersion: {WINGET_VERSION}"]
        return "\n".join(head + lines + tail) + "\n"

    installers = []
    for target, (architecture, _) in WINDOWS.items():
        folder = f"{PROGRAM}-{version()}-{target}"
        installers += [
            f"- Architecture: {architecture}",
            f"  InstallerUrl: {release.url(target)}",
            f"  InstallerSha256: {release.digest(target).upper()}",
            "  NestedInstallerFiles:",
            f"  - RelativeFilePath: {folder}\\{PROGRAM}.exe",
            f"    PortableCommandAlias: {PROGRAM}",
        ]
    kind = ["InstallerType: zip", "NestedInstallerType: portable", "Installers:"]
    locale = [
        "PackageLocale: en-US",
        f"Publisher: {release.owner}",
        f"PackageName: {PROGRAM}",
        f"PackageUrl: {release.home}",
        f"License: {package()['license']}",
        f"ShortDescription: {json.dumps(package()['description'])}",
    ]
    return {
        f"winget/{name}.yaml": document("version", ["DefaultLocale: en-US"]),
        f"winget/{name}.installer.yaml": document("installer", kind + installers),
        f"winget/{name}.locale.en-US.yaml": document("defaultLocale", locale),
    }


def scoop(release):
    architectures = {
        name: {
            "url": release.url(target),
            "hash": release.digest(target),
            "extract_dir": f"{PROGRAM}-{version()}-{target}",
        }
        for target, (_, name) in WINDOWS.items()
    }
    manifest = {
        "version": version(),
        "description": package()["description"],
        "homepage": release.home,
        "license": package()["license"],
        "architecture": architectures,
        "bin": f"{PROGRAM}.exe",
        "checkver": "github",
    }
    return {f"scoop/{PROGRAM}.json": json.dumps(manifest, indent=4) + "\n"}


def homebrew(release):
    def archive(target):
        return (
            f'      url "{release.url(target)}"\n'
            f'      sha256 "{release.digest(target)}"\n'
        )

    def system(name, vendor):
        return (
            f"  on_{name} do\n"
            f"    on_arm do\n{archive(f'aarch64-{vendor}')}    end\n"
            f"    on_intel do\n{archive(f'x86_64-{vendor}')}    end\n"
            f"  end\n"
        )

    class_name = "".join(word.capitalize() for word in PROGRAM.split("-"))
    text = (
        f"class {class_name} < Formula\n"
        f"  desc {json.dumps(package()['description'])}\n"
        f'  homepage "{release.home}"\n'
        f'  version "{version()}"\n'
        f'  license "{package()["license"]}"\n\n'
        f"{system('macos', 'apple-darwin')}\n"
        f"{system('linux', 'unknown-linux-gnu')}\n"
        f"  def install\n"
        f'    bin.install "{PROGRAM}"\n'
        f'    man1.install Dir["man/*.1"]\n'
        f'    bash_completion.install "completions/{PROGRAM}.bash" => "{PROGRAM}"\n'
        f'    zsh_completion.install "completions/_{PROGRAM}"\n'
        f'    fish_completion.install "completions/{PROGRAM}.fish"\n'
        f'    doc.install "README.md", "CHANGELOG.md", "docs", "scripts"\n'
        f"  end\n\n"
        f"  test do\n"
        f'    assert_equal "{PROGRAM} #{{version}}", '
        f'shell_output("#{{bin}}/{PROGRAM} --version").strip\n'
        f"  end\n"
        f"end\n"
    )
    return {f"homebrew/{PROGRAM}.rb": text}


def main():
    parser = argparse.ArgumentParser(description="Write the manifests of package managers.")
    parser.add_argument("--sums", required=True, type=pathlib.Path)
    parser.add_argument("--repository", required=True, metavar="OWNER/NAME")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    args = parser.parse_args()
    release = Release(args.sums, args.repository)
    for name, text in {**winget(release), **scoop(release), **homebrew(release)}.items():
        path = args.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path)


if __name__ == "__main__":
    main()
