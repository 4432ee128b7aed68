"""Derive requirements.lock from the two pyproject.toml, and environment.yml from the lock.

python tools/lock.py           write both
python tools/lock.py --check   say what drifted, without the network; exit 1 if anything did
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = ("pyproject.toml", "src/rmsbook/pyproject.toml")  # the library's, and the book's
EXTRA = "test"  # the extra that contains everything the book and its checks need
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; (.+?))?(?: \\)?$", re.MULTILINE)


def pins(lock: str) -> list[tuple[str, str, str]]:
    """Return (name, version, marker) of every package in a lock."""
    return [(name.lower(), version, marker or "") for name, version, marker in PIN.findall(lock)]


def environment(lock: str) -> str:
    """Return the environment.yml that installs what the lock pins.

    conda hands its pip section to pip as one file, and pip refuses an editable install beside
    hashes; so the versions stand here without them. `make` installs from the lock, with hashes.
    """
    lines = [
        "# Made from requirements.lock by `make lock`: edit neither, edit the pyproject.toml.",
        "name: rmsprop",
        "channels: [conda-forge]",
        "dependencies:",
        '  - "python>=3.11,<3.14"',
        "  - pip",
        "  - pip:",
    ]
    for name, version, marker in pins(lock):
        requirement = f"{name}=={version}" + (f" ; {marker}" if marker else "")
        lines.append(
            f"      - '{requirement}'" if "'" not in marker else f'      - "{requirement}"'
        )
    return "\n".join([*lines, "      - -e .", ""])


def direct_requirements(projects: list[dict], wanted: str) -> list[Requirement]:
    """Return what a requirement on a project of ours asks for of others."""
    ours = {project["name"]: project for project in projects}
    queue, found = [Requirement(wanted)], []
    while queue:
        requirement = queue.pop()
        if requirement.name not in ours:
            found.append(requirement)
            continue
        project = ours[requirement.name]
        asked = [project["dependencies"]]
        asked += [project["optional-dependencies"][extra] for extra in requirement.extras]
        queue += [Requirement(text) for texts in asked for text in texts]
    return found


def drift(root: Path) -> list[str]:
    """Return what in the lock and in environment.yml no longer follows from the projects."""
    projects = [tomllib.loads((root / name).read_text("utf8"))["project"] for name in PROJECTS]
    lock = (root / "requirements.lock").read_text("utf8")
    locked = {}
    for name, version, _ in pins(lock):
        locked.setdefault(name, []).append(version)
    found = []
    for requirement in direct_requirements(projects, f"rmsbook[{EXTRA}]"):
        versions = locked.get(requirement.name.lower(), [])
        if not versions:
            found.append(f"requirements.lock lacks {requirement}")
        found += [
            f"requirements.lock pins {requirement.name} {version}, wanted is {requirement}"
            for version in versions
            if version not in requirement.specifier
        ]
    matches = [*PIN.finditer(lock)]
    ends = [match.start() for match in matches[1:]] + [len(lock)]
    for match, end in zip(matches, ends, strict=True):
        if "--hash=sha256:" not in lock[match.end() : end]:
            found.append(f"requirements.lock has no hash for {match[1].lower()}")
    if (root / "environment.yml").read_text("utf8") != environment(lock):
        found.append("environment.yml is not what requirements.lock gives: run `make lock`")
    return found


def write(root: Path) -> None:
    """Resolve the dependencies for all supported Pythons and write both files."""
    lock = root / "requirements.lock"
    command = [sys.executable, "-m", "uv", "pip", "compile", PROJECTS[1], "--extra", EXTRA]
    command += ["--no-emit-package", "rmsprop", "--no-emit-package", "rmsbook"]
    command += ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest"]
    command += ["--generate-hashes", "--no-annotate", "--no-header", "--quiet", "--upgrade"]
    temporary = root / "requirements.lock.part"
    subprocess.run(
        [*command, "-o", str(temporary)], cwd=root, check=True, stdout=subprocess.DEVNULL
    )
    temporary.replace(lock)
    target = root / "environment.yml.part"
    target.write_text(environment(lock.read_text("utf8")), "utf8")
    target.replace(root / "environment.yml")


if __name__ == "__main__":
    if "--check" in sys.argv:
        problems = drift(ROOT)
        print(*problems, sep="\n")
        raise SystemExit(bool(problems))
    write(ROOT)
