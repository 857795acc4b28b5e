# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pkilint over a certificate and its issuer, and which of its findings are accepted, each with its reason."""

from __future__ import annotations

from pathlib import Path

from pkilint import loader
from pkilint.bin import lint_pkix_signer_signee_cert_chain as chain
from pkilint.pkix import certificate, extension, name
from pkilint.validation import ValidationFindingSeverity

# finding: (what it says, why it is accepted)
ACCEPTED = {
    "pkix.invalid_domain_name_syntax": (
        {f'Invalid domain name syntax: "{name}"' for name in ("cp1", "kubernetes", "localhost")},
        "names of one label, by which Pods, the host itself and its neighbours call the API server and etcd",
    ),
}


def alone():
    """What RFC 5280 says of a certificate."""
    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


def lint(issuer, subject):
    """What is found and not accepted, from notices on."""
    results = alone().validate(load(subject).root)
    documents = {}
    for kind, path in (("issuer", issuer), ("subject", subject)):
        documents[kind] = load(path, kind, documents)
        results += chain.create_decoder_validation_container().validate(documents[kind].root)
    results += chain.create_issuer_validation_container().validate(documents["issuer"].root)
    results += chain.create_subject_validation_container().validate(documents["subject"].root)
    return [text for result in results for text in not_accepted(result)]


def load(path, kind=None, documents=None):
    # Leaf first; those behind it are judged by themselves.
    end = "-----END CERTIFICATE-----\n"
    text = Path(path).read_text(encoding="ascii").split(end)[0] + end
    return loader.RFC5280CertificateDocumentLoader().load_pem_document(text, path, kind, documents)


def not_accepted(result):
    for description in result.finding_descriptions:
        code, severity = description.finding.code, description.finding.severity
        texts, _why = ACCEPTED.get(code, ((), ""))
        if severity <= ValidationFindingSeverity.NOTICE and description.message not in texts:
            yield f"{code}: {description.message}"
