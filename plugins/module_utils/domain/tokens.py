# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap tokens: their format, their Secret, and how one is tied to a node.

staging/src/k8s.io/cluster-bootstrap/token/api/types.go, .../util/secrets/secrets.go and
plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go say what the API server makes of them.
"""

from __future__ import annotations

import base64
import re
import string
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Callable

from .csr import parse_time
from .errors import InputError
from .token_file import is_file_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "DEFAULT_OPTIONS",
    "JOIN_GROUP",
    "MANAGED_BY",
    "MANAGED_BY_LABEL",
    "MAXIMUM_TTL",
    "NAMESPACE",
    "NODE_ANNOTATION",
    "OBJECT_TYPE",
    "SHARED_ANNOTATION",
    "SHARED_GROUP",
    "USER_PREFIX",
    "OwnToken",
    "Token",
    "TokenOptions",
    "check_ttl",
    "expiration_of",
    "generate",
    "is_token_id",
    "node_group",
    "nodes_of_groups",
    "own_token",
    "parse_token",
    "read_options",
    "seal_context",
    "secret_manifest",
    "secret_name",
    "shared_manifest",
    "token_of",
]

ALPHABET = string.digits + string.ascii_lowercase
ID_LENGTH = 6
SECRET_LENGTH = 16
USER_PREFIX = "system:bootstrap:"
NAMESPACE = "kube-system"
OBJECT_TYPE = "bootstrap.kubernetes.io/token"
JOIN_GROUP = "system:bootstrappers:tlsbootstrap"
NODE_GROUP_PREFIX = JOIN_GROUP + ":node:"
# Not in JOIN_GROUP: nothing that is tied to a node has this group, so a binding of it opens nothing else.
SHARED_GROUP = JOIN_GROUP + ":shared"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "tlsbootstrap.kubernetes"
NODE_ANNOTATION = "tlsbootstrap.kubernetes/node"
SHARED_ANNOTATION = "tlsbootstrap.kubernetes/shared"
DESCRIPTION = "Join of node {node_name}, made by " + MANAGED_BY
SHARED_DESCRIPTION = "Joins of all nodes, made by " + MANAGED_BY
AUTHENTICATION = "authentication"
USAGES = (AUTHENTICATION, "signing")
MINIMUM_TTL = 60
MAXIMUM_TTL = 24 * 3600

# staging/src/k8s.io/cluster-bootstrap/token/util/helpers.go: one group that does not match spoils the whole token.
_GROUP = re.compile(r"\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\Z")
# `kubeadm token list` has a column for it.
_LONGEST_DESCRIPTION = 200
_TOKEN = re.compile(r"\A([a-z0-9]{6})\.([a-z0-9]{16})\Z")
_ID = re.compile(r"\A[a-z0-9]{6}\Z")
# Of 15 neighbouring pairs a random secret has 1.3 that are equal or adjacent in the alphabet; 7 come once in 20,000.
_NEIGHBOURS = 8
_DISTINCT = 6


@dataclass(frozen=True)
class Token:
    """Both halves. Never printed: `repr` and `str` show the id alone."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Token({self.id})"

    @property
    def text(self) -> str:
        return f"{self.id}.{self.secret}"


@dataclass(frozen=True)
class TokenOptions:
    """What a token says of itself, and what it may do besides. ``{node_name}`` in the description is the node's."""

    description: str = DESCRIPTION
    usages: tuple[str, ...] = (AUTHENTICATION,)
    extra_groups: tuple[str, ...] = ()


DEFAULT_OPTIONS = TokenOptions()


@dataclass(frozen=True)
class OwnToken:
    """A Secret of ours in the cluster. One that is shared is of no node."""

    name: str
    uid: str
    id: str
    node: str
    expiration: datetime | None
    shared: bool = False

    def serves(self, node: str) -> bool:
        return self.shared or self.node == node

    def lasts(self, now: datetime, seconds: int = MINIMUM_TTL) -> bool:
        """Whether there is time enough left for a join."""
        return self.expiration is not None and self.expiration - now >= timedelta(seconds=seconds)

    def expired(self, now: datetime) -> bool:
        """As the API server has it: no readable end means that it has ended."""
        return self.expiration is None or self.expiration <= now


def generate(choose: Callable[[str], str]) -> Token:
    """A new token; `choose` picks one character, by `secrets.choice`. One that looks guessable is drawn again."""
    while True:
        letters = "".join(choose(ALPHABET) for unused in range(ID_LENGTH + SECRET_LENGTH))
        token = Token(letters[:ID_LENGTH], letters[ID_LENGTH:])
        if not _weak(token.secret):
            return token


def is_token_id(text: str) -> bool:
    return bool(_ID.match(text))


def parse_token(text: str, allow_weak: bool = False) -> Token:
    """A token that the user supplied. No message shows more of it than its id."""
    found = _TOKEN.match(text)
    if is_file_token(text):
        raise InputError(
            "what is given as a bootstrap token are 32 hexadecimal digits, a token for the API server's static token "
            "file: join with cluster_join_credential: token_file, or leave it out and a bootstrap token is generated"
        )
    if not found:
        start = text[:ID_LENGTH]
        which = f" with the id {start}" if _ID.match(start) and text[ID_LENGTH : ID_LENGTH + 1] == "." else ""
        raise InputError(
            f"the bootstrap token{which} is malformed: it is 6 characters, a dot and 16 characters, "
            "all of 0-9 and a-z; leave it out and one is generated"
        )
    token = Token(found.group(1), found.group(2))
    if not allow_weak and _weak(token.secret):
        raise InputError(
            f"the bootstrap token with the id {token.id} has a secret that can be guessed; "
            "leave it out and one is generated, or set allow_weak_secret"
        )
    return token


def _weak(secret: str) -> bool:
    places = [ALPHABET.index(letter) for letter in secret]
    neighbours = sum(1 for left, right in zip(places, places[1:]) if abs(left - right) <= 1)
    repeated = any(secret == (secret[:size] * SECRET_LENGTH)[:SECRET_LENGTH] for size in range(1, 9))
    return len(set(secret)) < _DISTINCT or neighbours >= _NEIGHBOURS or repeated


def check_ttl(seconds: int, node: str) -> int:
    if not MINIMUM_TTL <= seconds <= MAXIMUM_TTL:
        raise InputError(
            f"the bootstrap token of node {node} is to live {seconds} seconds; "
            "between 1 minute and 24 hours are allowed"
        )
    return seconds


def read_options(description: str, usages: Iterable[str], extra_groups: Iterable[str]) -> TokenOptions:
    """What the user wants of the tokens. One bad group would make the whole token unusable, in silence."""
    text = description or DESCRIPTION
    if len(text) > _LONGEST_DESCRIPTION or not text.isprintable():
        raise InputError(
            f"the description of a bootstrap token is one line of at most {_LONGEST_DESCRIPTION} characters"
        )
    wanted, groups = tuple(dict.fromkeys(usages)), tuple(dict.fromkeys(extra_groups))
    unknown = [usage for usage in wanted if usage not in USAGES]
    if unknown or AUTHENTICATION not in wanted:
        raise InputError(
            f"the usages of a bootstrap token are {' and '.join(USAGES)}; "
            + (f"{unknown[0]!r} is none" if unknown else f"without {AUTHENTICATION} no node can join")
        )
    for group in groups:
        _check_extra_group(group)
    return TokenOptions(text, wanted, groups)


def _check_extra_group(group: str) -> None:
    if not _GROUP.match(group):
        raise InputError(
            f"{group!r} cannot be a group of a bootstrap token: it is system:bootstrappers: and up to 256 characters "
            "of a-z, 0-9, ':' and '-', the last of them a letter or digit"
        )
    if f"{group}:".startswith(f"{JOIN_GROUP}:"):
        raise InputError(f"the group {group} is given by the collection itself: groups of your own begin otherwise")


def node_group(node: str) -> str:
    """The group that says in every request of a token which node it is for. Groups have no dots, names no colons."""
    group = NODE_GROUP_PREFIX + node.replace(".", ":")
    if not _GROUP.match(group):
        raise InputError(f"no bootstrap token can be bound to node {node}: no valid group can be made of the name")
    return group


def nodes_of_groups(groups: Iterable[str]) -> list[str]:
    """The nodes that a requester's token is bound to; anything but one is an error."""
    names = [group[len(NODE_GROUP_PREFIX) :] for group in groups if group.startswith(NODE_GROUP_PREFIX)]
    return [name.replace(":", ".") for name in names]


def seal_context(node: str) -> bytes:
    return b"bootstrap-token:" + node.encode()


def secret_name(identifier: str) -> str:
    return "bootstrap-token-" + identifier


def secret_manifest(
    token: Token, node: str, expiration: datetime, options: TokenOptions = DEFAULT_OPTIONS
) -> dict[str, Any]:
    """The Secret of a token that is good for one node."""
    description = options.description.replace("{node_name}", node)
    groups = (JOIN_GROUP, node_group(node))
    return _manifest(token, expiration, options, description, groups, {NODE_ANNOTATION: node})


def shared_manifest(token: Token, expiration: datetime, options: TokenOptions = DEFAULT_OPTIONS) -> dict[str, Any]:
    """The Secret of a token that any node may use."""
    own = options.description == DESCRIPTION
    description = SHARED_DESCRIPTION if own else options.description.replace("{node_name}", "any")
    return _manifest(token, expiration, options, description, (SHARED_GROUP,), {SHARED_ANNOTATION: "true"})


def _manifest(
    token: Token,
    expiration: datetime,
    options: TokenOptions,
    description: str,
    groups: tuple[str, ...],
    annotations: dict[str, str],
) -> dict[str, Any]:
    """With `data`: `stringData` is never read back, so it could not be compared."""
    values = {
        "token-id": token.id,
        "token-secret": token.secret,
        "expiration": expiration.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": description,
        **{f"usage-bootstrap-{usage}": "true" for usage in options.usages},
        # The API server splits at "," and trims nothing.
        "auth-extra-groups": ",".join((*groups, *options.extra_groups)),
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(token.id),
            "namespace": NAMESPACE,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY},
            "annotations": annotations,
        },
        "type": OBJECT_TYPE,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def token_of(item: Mapping[str, Any]) -> Token | None:
    """Both halves of a token of the cluster; None where it is malformed, which the API server stores all the same."""
    data = item.get("data") or {}
    try:
        halves = [base64.b64decode(data.get(key, "")).decode() for key in ("token-id", "token-secret")]
        return parse_token(".".join(halves), allow_weak=True)
    except (ValueError, InputError):
        return None


def expiration_of(now: datetime, ttl: int) -> datetime:
    return (now + timedelta(seconds=ttl)).replace(microsecond=0)


def own_token(item: Mapping[str, Any]) -> OwnToken | None:
    """What a Secret of the cluster is to us; None where it is not ours."""
    metadata = item["metadata"]
    annotations = metadata.get("annotations") or {}
    node, shared = annotations.get(NODE_ANNOTATION) or "", SHARED_ANNOTATION in annotations
    labelled = (metadata.get("labels") or {}).get(MANAGED_BY_LABEL) == MANAGED_BY
    if item.get("type") != OBJECT_TYPE or not labelled or not (node or shared):
        return None
    encoded = (item.get("data") or {}).get("expiration", "")
    try:
        expiration: datetime | None = parse_time(base64.b64decode(encoded).decode())
    except ValueError:
        expiration = None
    identifier = metadata["name"][len(secret_name("")) :]
    return OwnToken(metadata["name"], metadata.get("uid", ""), identifier, node, expiration, shared)
