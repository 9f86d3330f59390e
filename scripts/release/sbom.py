#!/usr/bin/env python3
"""Prints a software bill of materials (CycloneDX 1.5) of the program: sbom.py

It contains the crates that Cargo.lock names for the program, with versions and checksums. Crates
that only the tests and benchmarks need are left out.
"""

import json
import tomllib

from project import PROGRAM, ROOT, package


def load(name):
    with open(ROOT / name, "rb") as file:
        return tomllib.load(file)


def purl(crate):
    return f"pkg:cargo/{crate['name']}@{crate['version']}"


class Lock:
    """The crates of Cargo.lock."""

    def __init__(self):
        self.by_name = {}
        for crate in load("Cargo.lock")["package"]:
            self.by_name.setdefault(crate["name"], []).append(crate)

    def find(self, text):
        """Returns the crate that a dependency means: a name, and a version if there are several."""
        name, *version = text.split(" ")
        found = self.by_name[name]
        return next(crate for crate in found if not version or crate["version"] == version[0])

    def dependencies(self, crate, only=None):
        """Returns the dependencies of a crate, or those of them with some names."""
        names = crate.get("dependencies", [])
        wanted = [text for text in names if only is None or text.split(" ")[0] in only]
        return [self.find(text) for text in wanted]


def names_of(dependencies):
    """Returns the names of the crates in a table of dependencies, which can rename them."""
    return {
        spec.get("package", name) if isinstance(spec, dict) else name
        for name, spec in dependencies.items()
    }


def main():
    manifest, lock, root = load("Cargo.toml"), Lock(), package()
    program = lock.find(PROGRAM)
    tables = [manifest.get("dependencies", {}), manifest.get("build-dependencies", {})]
    for target in manifest.get("target", {}).values():
        tables += [target.get("dependencies", {}), target.get("build-dependencies", {})]
    own = set().union(*map(names_of, tables))
    found, graph = {}, {}
    waiting = [program]
    while waiting:
        crate = waiting.pop()
        if purl(crate) in graph:
            continue
        needed = lock.dependencies(crate, own if crate is program else None)
        graph[purl(crate)] = sorted({purl(other) for other in needed})
        found[purl(crate)] = crate
        waiting += needed
    components = []
    for reference, crate in sorted(found.items()):
        if crate is program:
            continue
        component = {
            "type": "library",
            "bom-ref": reference,
            "name": crate["name"],
            "version": crate["version"],
            "purl": reference,
        }
        if "checksum" in crate:
            component["hashes"] = [{"alg": "SHA-256", "content": crate["checksum"]}]
        components.append(component)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": purl(program),
                "name": PROGRAM,
                "version": root["version"],
                "purl": purl(program),
                "licenses": [{"license": {"id": root["license"]}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": reference, "dependsOn": needed} for reference, needed in sorted(graph.items())
        ],
    }
    print(json.dumps(bill, indent=1))


if __name__ == "__main__":
    main()
