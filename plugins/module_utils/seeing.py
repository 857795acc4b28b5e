# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certificates, keys, requests and kubeconfigs of a host say, and what its servers show.

Nothing is changed and nothing secret is told.
"""

from __future__ import annotations

import datetime
import functools
import os
import re
from collections.abc import Iterator
from typing import Any

from . import documents, files, kubeconfigs, x509
from .domain import openssl_text, signing_request
from .domain.certificate import KeyInfo
from .domain.endpoints import endpoint_of
from .domain.errors import InputError
from .domain.ledger import current_entries
from .domain.pem import CERTIFICATE, PUBLIC_KEY, Block, blocks
from .readable import readable
from .served import Served, read_served

__all__ = ["Sight", "look_at_ledger"]

REQUEST = "CERTIFICATE REQUEST"
# More of them in one folder are no PKI.
LIMIT_FILES = 50_000
_KINDS = re.compile(rb"(?m)[\"']?kind[\"']?:\s*[\"']?(Config|CertificateSigningRequest|List)\b")
_BEGIN = b"-----BEGIN "
_SUFFIXES = (".cer", ".conf", ".crt", ".csr", ".der", ".key", ".kubeconfig", ".pem", ".pub")
# RFC 1421 headers, which only encrypted keys of the old style have. It ends before the next block begins: the search
# for an end that is not there would go through the whole file, for each block.
_OLD_STYLE = re.compile(
    r"-----BEGIN (?P<label>[A-Z ]{0,32}PRIVATE KEY)-----\s+Proc-Type: 4,ENCRYPTED(?:[^-]|-(?!----BEGIN ))*?"
    r"-----END (?P=label)-----"
)
# PKCS#5 and PKCS#12 schemes of encryption, at the start of an encrypted PKCS#8 key.
_ENCRYPTIONS = (bytes.fromhex("2a864886f70d0105"), bytes.fromhex("2a864886f70d010c01"))
_DER_LABELS = (CERTIFICATE, REQUEST, PUBLIC_KEY, "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY")
_ENCRYPTED: dict[str, Any] = {"key_type": None, "size": None, "public_key_sha256": None, "encrypted": True}


class _Found:
    """What one file, or one server, holds."""

    def __init__(self) -> None:
        self.certificates: list[dict[str, Any]] = []
        self.private_keys: list[dict[str, Any]] = []
        self.public_keys: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.text: list[str] = []

    @property
    def kind(self) -> str | None:
        kinds = (
            ("request", self.requests),
            ("bundle", self.certificates[1:]),
            ("certificate", self.certificates),
            ("key", [*self.private_keys, *self.public_keys]),
        )
        return next((name for name, parts in kinds if parts), None)

    def parts(self) -> dict[str, Any]:
        # Not `keys`: in a template that would be the dictionary's method.
        found: dict[str, Any] = {
            "certificates": self.certificates,
            "private_keys": self.private_keys,
            "public_keys": self.public_keys,
            "requests": self.requests,
        }
        known = [key["public_key_sha256"] for key in self.private_keys if not key["encrypted"]]
        if known and self.certificates:
            found["key_matches"] = self.certificates[0]["public_key_sha256"] in known
        return found


class Sight:
    """Looks at files, folders and servers, all at one moment."""

    def __init__(self, now: datetime.datetime, text: bool = False) -> None:
        self.now = now
        self.text = text

    def files(self, paths: list[str], directories: list[str]) -> list[dict[str, Any]]:
        """One entry for each path, in their order, then one for each file of the folders that holds something.

        What cannot be read says so in its entry.
        """
        found = [self._file(path) for path in paths]
        for directory in directories:
            found += self._directory(directory)
        return found

    def _directory(self, directory: str) -> list[dict[str, Any]]:
        entries = []
        try:
            for path in _files_below(directory):
                entry = self._file(path, named=False)
                if entry["exists"]:
                    entries.append(entry)
        except (InputError, OSError) as error:
            said = f"{directory}: {error.strerror}" if isinstance(error, OSError) else str(error)
            entries.append({**_absent(directory), "exists": os.path.isdir(directory), "error": said})
        return entries

    def _file(self, path: str, named: bool = True) -> dict[str, Any]:
        """One that was not named but lies in a folder may be of any kind: what is none of ours is passed over."""
        entry = _absent(path)
        expected = named or path.endswith(_SUFFIXES)
        try:
            # The kubelet's current pair is a symlink.
            data = files.read(path, follow=True)
            if data is None or not (expected or _is_material(data)):
                return entry
            entry.update(_state(path))
            entry.update(self._content(path, data))
        except InputError as error:
            if expected or not os.access(path, os.R_OK):
                entry.update(exists=True, error=str(error))
        return entry

    def _content(self, path: str, data: bytes) -> dict[str, Any]:
        kind = None if _BEGIN in data[: len(_BEGIN)] or _is_der(data) else _KINDS.search(data)
        if kind is not None and kind[1] == b"Config":
            return self._kubeconfig(path, data)
        if kind is not None:
            return self._signing_requests(path, data)
        found = self._der(path, data) if _is_der(data) else self._pem(path, data)
        if found.kind is None:
            raise InputError(f"{path}: no certificate, key or request in PEM or DER")
        return {"kind": found.kind, **found.parts(), **self._told(found)}

    def _told(self, found: _Found) -> dict[str, Any]:
        return {"text": "".join(found.text)} if self.text else {}

    # ---- PEM and DER

    def _pem(self, what: str, data: bytes) -> _Found:
        found = _Found()
        if b"Proc-Type: 4,ENCRYPTED" in data:
            text, count = _OLD_STYLE.subn("", data.decode("latin-1"))
            data = text.encode("latin-1")
            for _key_of_old in range(count):
                self._add_key(found, found.private_keys, _ENCRYPTED)
        for block in blocks(data, what):
            self._add(found, block, what)
        return found

    def _der(self, what: str, data: bytes) -> _Found:
        """DER does not say what it is: the first kind that it can be read as."""
        if any(scheme in data[:40] for scheme in _ENCRYPTIONS):
            found = _Found()
            self._add_key(found, found.private_keys, _ENCRYPTED)
            return found
        for label in _DER_LABELS:
            found = _Found()
            try:
                self._add(found, Block(label, data), what)
            except InputError:
                continue
            return found
        raise InputError(f"{what}: DER, but of no certificate, request or key that can be read; is it damaged?")

    def _add(self, found: _Found, block: Block, what: str) -> None:
        if block.label == CERTIFICATE:
            self._add_certificate(found, block, what)
        elif block.label == PUBLIC_KEY:
            info = x509.public_key_info(block.text().encode("ascii"), what)
            self._add_key(found, found.public_keys, _key(info))
        elif block.label == x509.ENCRYPTED_KEY:
            self._add_key(found, found.private_keys, _ENCRYPTED)
        elif block.label.endswith("PRIVATE KEY"):
            # Trusted: it is shown, not used.
            info = x509.load_private_key(block.text().encode("ascii"), what, trusted=True).info
            self._add_key(found, found.private_keys, {**_key(info), "encrypted": False})
        elif block.label.endswith(REQUEST):
            self._add_request(found, Block(REQUEST, block.der), what)

    def _add_certificate(self, found: _Found, block: Block, what: str) -> None:
        certificate = x509.load_certificate(block, what)
        info = x509.certificate_info(certificate)
        found.certificates.append(info.as_dict(self.now))
        if self.text:
            whole = readable(certificate, info.not_before, info.not_after)
            found.text.append(openssl_text.text_of(whole, self.now))

    def _add_request(self, found: _Found, block: Block, what: str) -> None:
        pem = block.text().encode("ascii")
        request, key, valid = x509.load_foreign_request(pem, what)
        content = x509.parse_request(pem)
        found.requests.append(
            {
                "common_name": content.common_names[0] if content.common_names else "",
                "organizations": list(content.organizations),
                "other_subject": list(content.other_attributes) + list(content.common_names[1:]),
                "dns_names": list(content.dns_names),
                "ip_addresses": list(content.ip_addresses),
                "email_addresses": list(content.email_addresses),
                "uris": list(content.uris),
                "other_names": content.other_names,
                "signature_valid": valid,
                **_key(key),
            }
        )
        if self.text:
            found.text.append(openssl_text.text_of(readable(request), self.now))

    def _add_key(self, found: _Found, keys: list[dict[str, Any]], key: dict[str, Any]) -> None:
        keys.append(dict(key))
        if self.text:
            half = "Public-Key" if keys is found.public_keys else "Private-Key"
            said = "encrypted" if key.get("encrypted") else f"{key['key_type']}, {key['size']} bit"
            found.text.append(
                f"{half}: ({said})\n    SHA-256 of the public key: {key['public_key_sha256'] or 'unknown'}\n"
            )

    # ---- objects of Kubernetes

    def _kubeconfig(self, path: str, data: bytes) -> dict[str, Any]:
        config = kubeconfigs.parse(data, path)
        certificate = _referred(path, config.certificate_data, config.certificate_path)
        key = _referred(path, config.key_data, config.key_path)
        found = self._pem(path, (certificate or b"") + b"\n" + (key or b""))
        if self.text:
            found.text.insert(0, f"Kubeconfig: user {config.user_name} of {config.cluster_name} at {config.server}\n")
        authorities = _referred(path, config.ca_data, config.ca_path)
        return {
            "kind": "kubeconfig",
            **found.parts(),
            **self._told(found),
            "kubeconfig": {
                "server": config.server,
                "cluster_name": config.cluster_name,
                "user_name": config.user_name,
                "ca_path": config.ca_path,
                "ca_fingerprints": []
                if authorities is None
                else [one.fingerprint for one in blocks(authorities, path)],
                "certificate_path": config.certificate_path,
                "key_path": config.key_path,
                "embedded": config.key_data is not None,
                "token": config.token is not None,
            },
        }

    def _signing_requests(self, path: str, data: bytes) -> dict[str, Any]:
        whole, described = _Found(), []
        for item in signing_request.objects_in(documents.load(data, path), path):
            about = signing_request.described(item, path)
            what = f"{path}: {about['name']}"
            request, issued = signing_request.embedded(item, what)
            found = self._pem(what, request + b"\n" + issued)
            described.append({**about, "requests": found.requests, "certificates": found.certificates})
            whole.requests += found.requests
            whole.certificates += found.certificates
            lines = (f"CertificateSigningRequest: {about['name']}", f"    State: {about['state']}")
            more = (f"    Signer: {about['signer']}", f"    Requester: {about['requester']}")
            whole.text += ["\n".join([*lines, *more]) + "\n", *found.text]
        parts = {"certificates": whole.certificates, "requests": whole.requests, "signing_requests": described}
        return {"kind": "signing_request", **parts, **self._told(whole)}

    # ---- servers

    def endpoints(self, rows: list[dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
        """One entry for each, in their order."""
        wanted = [endpoint_of(row) for row in rows]
        return [
            {
                "address": endpoint.address,
                "server_name": endpoint.server_name,
                **self._served(endpoint.address, seen),
                **_compared(row.get("path"), seen),
            }
            for row, endpoint, seen in zip(rows, wanted, read_served(wanted, seconds))
        ]

    def _served(self, address: str, seen: Served) -> dict[str, Any]:
        found = _Found()
        entry: dict[str, Any] = {"answers": bool(seen.chain)}
        try:
            for der in seen.chain:
                self._add_certificate(found, Block(CERTIFICATE, der), address)
            problem = seen.problem
        except InputError as error:
            problem = str(error)
        entry.update(
            certificates=found.certificates, whole_chain=seen.whole, protocol=seen.protocol, **self._told(found)
        )
        return {**entry, "error": problem} if problem else entry


def look_at_ledger(path: str, now: datetime.datetime) -> dict[str, Any]:
    """The newest certificate of each identity that the CA host has signed, by host and identity."""
    return {"path": path, **current_entries(files.read_lines(path), now)}


def _compared(path: str | None, seen: Served) -> dict[str, Any]:
    """Whether a server shows what its file has, where both can be read."""
    if not path:
        return {}
    try:
        found = [block for block in blocks(files.read(path, follow=True) or b"", path) if block.label == CERTIFICATE]
    except InputError:
        found = []
    same = {"serves_file": found[0].der == seen.chain[0]} if found and seen.chain else {}
    return {"path": path, **same}


def _absent(path: str) -> dict[str, Any]:
    return {"path": path, "exists": False, "kind": None, "certificates": []}


def _state(path: str) -> dict[str, Any]:
    state = files.state_of(path)
    if state.kind == "symlink":
        state = files.state_of(os.path.realpath(path))
    owner, group = _names(state.uid, state.gid)
    return {"exists": True, "owner": owner, "group": group, "mode": f"{state.mode:04o}"}


@functools.lru_cache(maxsize=256)
def _names(uid: int, gid: int) -> tuple[str, str]:
    state = files.FileState("", "file", uid, gid)
    return state.owner, state.group


def _files_below(directory: str) -> Iterator[str]:
    """All files, sorted; hidden folders hold what is not in use (.backup, .pending)."""

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename or directory}: {error.strerror}") from None

    count = 0
    for folder, folders, names in os.walk(directory, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not os.path.isfile(path):
                continue
            count += 1
            if count > LIMIT_FILES:
                raise InputError(f"{directory}: more than {LIMIT_FILES} files; name the folder of the PKI itself")
            yield path


def _is_der(data: bytes) -> bool:
    """A SEQUENCE that is as long as the file."""
    if len(data) < 4 or data[0] != 0x30:
        return False
    count = data[1] & 0x7F if data[1] & 0x80 else 0
    length = int.from_bytes(data[2 : 2 + count], "big") if count else data[1]
    return count <= 4 and 2 + count + length == len(data)


def _is_material(data: bytes) -> bool:
    found = _KINDS.search(data)
    return _BEGIN in data or _is_der(data) or (found is not None and found[1] != b"List")


def _key(info: KeyInfo) -> dict[str, Any]:
    return {"key_type": info.key_type, "size": info.size, "public_key_sha256": info.public_key_sha256}


def _referred(kubeconfig: str, data: bytes | None, path: str | None) -> bytes | None:
    """What a kubeconfig has in itself, or in a file beside it, as client-go reads it."""
    if data is not None or not path:
        return data
    return files.read(os.path.join(os.path.dirname(kubeconfig), path), follow=True)
