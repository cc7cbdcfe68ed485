"""A throw-away Dovecot: users lpse and kedua with the secret `rahasia`; IDLE, MOVE, UIDPLUS."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imapclient import IMAPClient

from tests.servers import free_port, missing

SECRET = "rahasia"
USERS = ("lpse", "kedua")
POOR = "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS"  # a server without MOVE and IDLE

_CONF = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
instance_name = mailbot-test-{port}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 100
mail_location = maildir:~/Maildir
mail_fsync = never
{capability}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = passwd-file
  args = {home}/users
}}
"""


@dataclass(frozen=True)
class Dovecot:
    port: int
    tls_port: int
    cert: Path
    home: Path
    host: str = "localhost"

    @contextlib.contextmanager
    def client(self, user: str = "lpse") -> Iterator[IMAPClient]:
        """A session beside the tested one, as a person's mail program has it."""
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20) as client:
            client.login(user, SECRET)
            yield client

    def append(
        self, raw: bytes, folder: str = "INBOX", flags: tuple[bytes, ...] = (), at: dt.datetime | None = None
    ) -> None:
        with self.client() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            client.append(folder, raw, flags, at)


@contextlib.contextmanager
def dovecot(capability: str | None = None, more: str = "") -> Iterator[Dovecot]:
    """Runs until the block ends. `capability` replaces the server's own list; `more`: further configuration, with @HOME."""
    if os.geteuid() != 0:
        missing("Dovecot: not root")
    if not shutil.which("dovecot") or not shutil.which("openssl"):
        missing("Dovecot or openssl: not installed")
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        home = Path(name)
        server = _prepare(home, capability, more)
        process = subprocess.Popen(["dovecot", "-F", "-c", str(home / "dovecot.conf")])
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def _prepare(home: Path, capability: str | None, more: str) -> Dovecot:
    home.chmod(0o755)
    server = Dovecot(free_port(), free_port(), home / "cert.pem", home)
    certificate(home)
    nobody = pwd.getpwnam("nobody")
    lines = []
    for user in USERS:
        (home / user).mkdir()
        os.chown(home / user, nobody.pw_uid, nobody.pw_gid)
        lines.append(f"{user}:{{PLAIN}}{SECRET}:{nobody.pw_uid}:{nobody.pw_gid}::{home / user}\n")
    (home / "users").write_text("".join(lines))
    wanted = f"imap_capability = {capability}" if capability else ""
    conf = _CONF.format(home=home, port=server.port, tls_port=server.tls_port, capability=wanted)
    (home / "dovecot.conf").write_text(conf + more.replace("@HOME", str(home)))
    (home / "key.pem").chmod(0o644)  # a test key; the delivery agent runs as nobody and reads the whole configuration
    return server


def certificate(home: Path) -> None:
    """cert.pem (its own authority) and key.pem for localhost."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=home, check=True, capture_output=True)


def _wait(server: Dovecot, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    log = server.home / "dovecot.log"
    raise RuntimeError(f"Dovecot does not answer: {log.read_text() if log.exists() else 'no log'}")
