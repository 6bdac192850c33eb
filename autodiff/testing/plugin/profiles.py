"""Hypothesis profiles: `dev` while writing, `ci` for every change, `thorough` overnight. None has a deadline.

| profile | examples | drawn | failing examples |
|---|---|---|---|
| `dev` | 20 | anew each run | kept in `.hypothesis/`, replayed first |
| `ci` | 100 | the same in every run | not kept |
| `thorough` | 1000 | anew each run | kept in `.hypothesis/`, replayed first |

All print how to replay a failure. They are registered where they are asked for: by `register()`, or by
`pytest --hypothesis-profile=thorough`. A profile that exists under one of these names is left as it is, so a project's
own wins whichever comes first; and `ci` is hypothesis' own wherever hypothesis has one.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis.errors import InvalidArgument

PROFILES: dict[str, dict[str, Any]] = {
    "dev": {"max_examples": 20},
    "ci": {"max_examples": 100, "derandomize": True, "database": None},
    "thorough": {"max_examples": 1000},
}


def register(*names: str) -> None:
    """Register the profiles of these names, or all of them, where nobody has registered one.

    >>> from hypothesis import settings
    >>> from autodiff.testing import profiles
    >>> profiles.register()
    >>> settings.get_profile("thorough").max_examples
    1000
    """
    for name in names or PROFILES:
        if name not in PROFILES:
            raise ValueError(f"{name!r} is not one of the profiles {', '.join(PROFILES)}.")
        if not _registered(name):
            parent = settings.get_profile("default")
            settings.register_profile(name, parent, deadline=None, print_blob=True, **PROFILES[name])


def load(name: str) -> None:
    """Make a profile the current one; those above are registered first."""
    register()
    settings.load_profile(name)


def _registered(name: str) -> bool:
    try:
        settings.get_profile(name)
    except InvalidArgument:
        return False
    return True
