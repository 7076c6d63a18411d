"""Sign files with C2PA manifests for tests, with a certificate made at run time."""

import datetime
import io
import json
from functools import cache

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_BEGIN = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(2044, 1, 1, tzinfo=datetime.UTC)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, leaf: bool) -> x509.KeyUsage:
    names = "content_commitment key_encipherment data_encipherment key_agreement"
    return x509.KeyUsage(
        digital_signature=leaf,
        key_cert_sign=not leaf,
        crl_sign=not leaf,
        encipher_only=False,
        decipher_only=False,
        **dict.fromkeys(names.split(), False),
    )


@cache
def _credentials() -> tuple[str, str]:
    """Return a chain of two certificates and the key of the first, as PEM."""
    root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.SubjectKeyIdentifier.from_public_key(root.public_key())

    def certificate(subject, key, *extensions):
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_BEGIN)
            .not_valid_after(_END)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority), False
            )
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    signer = certificate(
        "leaf",
        leaf,
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(leaf=True), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        (x509.SubjectKeyIdentifier.from_public_key(leaf.public_key()), False),
    )
    anchor = certificate(
        "root",
        root,
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (_usage(leaf=False), True),
        (authority, False),
    )
    key = leaf.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return signer + anchor, key.decode()


def signed(kind: str, file: bytes, *assertions: tuple[str, object], claim: int = 2) -> bytes:
    """Return the file with a signed manifest; `assertions` are (label, data)."""
    chain, key = _credentials()
    signer = c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain.encode(), key.encode(), None)
    )
    created = {
        "action": "c2pa.created",
        "digitalSourceType": "http://c2pa.org/digitalsourcetype/empty",
    }
    stated = [("c2pa.actions", {"actions": [created]}), *assertions]
    manifest = {
        "claim_version": claim,
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "assertions": [{"label": label, "data": data} for label, data in stated],
    }
    out = io.BytesIO()
    with signer, c2pa.Builder(json.dumps(manifest)) as builder:
        builder.sign(signer, kind, io.BytesIO(file), out)
    return out.getvalue()
