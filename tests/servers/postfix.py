"""A throw-away Postfix on 127.0.0.1 that delivers into a throw-away Dovecot, Pigeonhole included; nothing can leave this machine.

Everybody@batangkab.example is `lpse`; everybody@cuti.example is `kedua`, whose Pigeonhole answers every mail (vacation).
@hilang.example is refused for good after it was accepted: a real DSN comes back. Any other domain is refused at RCPT.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers import missing
from tests.servers.dovecot import Dovecot

LDA = Path("/usr/lib/dovecot/dovecot-lda")
DAEMONS = Path("/usr/lib/postfix/sbin")

_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
meta_directory = /etc/postfix
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {home}
maillog_file = {home}/mail.log
myhostname = mx.batangkab.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = batangkab.example, cuti.example
virtual_mailbox_maps = static:all
virtual_transport = dovecot
dovecot_destination_recipient_limit = 1
transport_maps = inline:{{ hilang.example=hilang: }}
relay_domains = hilang.example
default_transport = error:5.7.1 no mail leaves this test
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
hilang unix - n n - - pipe user=nobody:nogroup argv=/bin/sh -c {{exit 67}}
dovecot unix - n n - - pipe flags=DRhu null_sender= user=nobody:nogroup argv=/bin/sh {home}/lay ${{sender}} ${{original_recipient}} ${{domain}}
"""

_LAY = """
user=lpse; [ "$3" = cuti.example ] && user=kedua
exec {lda} -c {conf} -f "$1" -a "$2" -d $user
"""

_LOCAL_DELIVERY = """
submission_host = 127.0.0.1:@PORT
postmaster_address = postmaster@batangkab.example
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
service auth {
  unix_listener auth-userdb {
    mode = 0666
  }
}
protocol lda {
  mail_plugins = sieve
  log_path = @HOME/lpse/lda.log
}
plugin {
  sieve = ~/.dovecot.sieve
  sieve_vacation_min_period = 0
  sieve_vacation_use_original_recipient = yes
}
"""

_VACATION = """require ["vacation"];
vacation :days 0 :subject "Kami sedang tidak di tempat" "Surat Anda akan dibaca pekan depan.";
"""


@dataclass(frozen=True)
class Postfix:
    port: int
    home: Path


def local_delivery(port: int) -> str:
    """Configuration of a Dovecot to which a Postfix on `port` delivers."""
    return _LOCAL_DELIVERY.replace("@PORT", str(port))


@contextlib.contextmanager
def postfix(server: Dovecot, port: int) -> Iterator[Postfix]:
    """Runs until the block ends."""
    _on_leave(server)
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        home = Path(name)
        home.chmod(0o755)
        for part in ("etc", "queue", "data"):
            (home / part).mkdir()
        shutil.chown(home / "data", "postfix")
        (home / "etc/main.cf").write_text(_MAIN.format(home=home, daemons=DAEMONS))
        (home / "etc/master.cf").write_text(_MASTER.format(home=home, port=port))
        (home / "lay").write_text(_LAY.format(lda=LDA, conf=server.home / "dovecot.conf"))
        subprocess.run(["postfix", "-c", home / "etc", "start"], check=True, capture_output=True, timeout=30)
        try:
            _wait(home, port)
            yield Postfix(port, home)
        finally:
            subprocess.run(["postfix", "-c", home / "etc", "stop"], check=True, capture_output=True, timeout=30)


def needed() -> None:
    """Skips by name (in CI: fails) where Postfix or Pigeonhole is not installed."""
    if os.geteuid() != 0:
        missing("Postfix: not root")
    if not (DAEMONS / "smtpd").exists() or not LDA.exists() or not shutil.which("sievec"):
        missing("Postfix or dovecot-sieve: not installed")


def _on_leave(server: Dovecot) -> None:
    script = server.home / "kedua/.dovecot.sieve"
    script.write_text(_VACATION)
    shutil.chown(script, "nobody", "nogroup")


def _wait(home: Path, port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    log = home / "mail.log"
    raise RuntimeError(f"Postfix does not answer: {log.read_text() if log.exists() else 'no log'}")
