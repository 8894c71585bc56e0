"""A certificate authority made with the `openssl` command, and a certificate that it issued."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HOSTS = (
    "discord.com",
    "cdn.discordapp.com",
    "gateway.discord.gg",
    "rivya.test",
    "pictures.test",
    "localhost",
)
AUTHORITY_NAME = "An Office Authority"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Authority:
    """Files in PEM format."""

    certificate: Path
    server: Path
    """The key and the certificate of a server that is every one of `HOSTS`."""

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        return context


def make_authority(folder: Path) -> Authority:
    """Make an authority; the test is skipped where there is no `openssl`."""
    if shutil.which("openssl") is None:
        pytest.skip("the command openssl is not installed")
    names = folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1," + ",".join(f"DNS:{host}" for host in HOSTS), "utf-8")
    subject = f"/O=Kuas/CN={AUTHORITY_NAME}"
    _openssl(folder, "req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", subject)
    _openssl(folder, "req", "-new", *_KEY, "-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=a host")
    issue = ("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    _openssl(folder, *issue, "-extfile", "names", "-days", "2", "-out", "host.pem")
    server = folder / "server.pem"
    server.write_text((folder / "host.key").read_text() + (folder / "host.pem").read_text())
    return Authority(folder / "ca.pem", server)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
