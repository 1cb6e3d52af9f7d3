"""Which versions produced a result."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

__all__ = ["model_fingerprint", "package_version", "versions"]

_PACKAGES = ("numpy", "scipy", "mesa")
_WITHOUT_INFLUENCE = frozenset(
    {"bench", "calibration", "cli", "compare", "evidence", "export", "report", "runs", "studies", "verification",
     "_scenarios", "_viz"}
)


def package_version() -> str:
    """The version of this package, also when it runs from a checkout that was never installed."""
    return _version("tme-abm")


def versions() -> dict[str, str]:
    """Versions of the interpreter and of every package that numbers can depend on."""
    found = {"tme_abm": package_version(), "python": platform.python_version()}
    return found | {name: _version(name) for name in _PACKAGES}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


@cache
def model_fingerprint() -> str:
    """SHA-256 over the code and the data that results depend on.

    A result is taken up again or used again only if this has not changed: a stale result that looks like a
    new one is worse than an hour of computing.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        place = file.relative_to(package)
        if file.suffix in {".py", ".toml"} and place.parts[0] not in _WITHOUT_INFLUENCE:
            digest.update(f"{place.as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
