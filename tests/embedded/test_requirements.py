"""What is installed is exactly what was tried: every package pinned, none forgotten, none unused."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from traderagent.embedded.home import PROJECT


def _requirements(path: Path) -> list[Requirement]:
    found: list[Requirement] = []
    for line in path.read_text().splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("-r "):
            found += _requirements(path.parent / text.removeprefix("-r ").strip())
        elif text:
            found.append(Requirement(text))
    return found


FILES = ["requirements.txt", "requirements-dev.txt"]


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_pinned_to_one_version(file: str) -> None:
    for requirement in _requirements(PROJECT / file):
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement


@pytest.mark.parametrize("file", FILES)
def test_no_requirement_is_named_twice(file: str) -> None:
    names = [canonicalize_name(requirement.name) for requirement in _requirements(PROJECT / file)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("file", FILES)
def test_everything_that_a_requirement_needs_is_pinned_too(file: str) -> None:
    requirements = {canonicalize_name(r.name): r for r in _requirements(PROJECT / file)}
    for requirement in requirements.values():
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        for needed in map(Requirement, distribution(requirement.name).requires or []):
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                pinned = requirements.get(canonicalize_name(needed.name))
                assert pinned is not None, f"{requirement.name} needs {needed.name}, which {file} does not pin"
                version = next(iter(pinned.specifier)).version
                assert needed.specifier.contains(version, prereleases=True), f"{requirement.name} needs {needed}"


@pytest.mark.parametrize("file", FILES)
def test_the_files_name_no_index(file: str) -> None:
    assert not re.search(r"^\s*--|://", (PROJECT / file).read_text(), re.M)
