# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of Kubernetes in files: JSON, or YAML where PyYAML is there."""

from __future__ import annotations

import importlib
import json
from typing import Any

from .domain.errors import InputError

__all__ = ["load"]

# PyYAML's constructors raise these, and quote the file, where a value does not fit its tag, as in `!!bool secret`.
_BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def load(data: bytes, what: str) -> Any:
    """One document; what a parser says of a broken one is not told, for it quotes the file, which may hold secrets."""
    try:
        return json.loads(data)
    except ValueError:
        return _yaml(data, what)
    except RecursionError:
        raise InputError(f"{what}: nested too deeply") from None


def _yaml(data: bytes, what: str) -> Any:
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        raise InputError(
            "the Python library PyYAML is missing; install the package python3-yaml on this host"
        ) from None
    try:
        return yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, *_BROKEN):
        raise InputError(f"{what}: not valid YAML") from None
