"""A Redis over TLS, with the users of docs/how-to/run-redis.md."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import PROJECT
from tools.backends.certificates import Authority

PAGE = PROJECT / "docs" / "how-to" / "run-redis.md"
ADMIN, PASSWORD = "of-the-administrator", "of-the-server"


def acl_lines() -> list[list[str]]:
    """Return the words of each `ACL SETUSER` of the page, after `redis-cli` and its options."""
    text = PAGE.read_text().replace("\\\n", " ")
    found = [shlex.split(line) for line in re.findall(r"^redis-cli .*ACL SETUSER.*$", text, re.M)]
    return [
        [word.replace("PASSWORD", PASSWORD) for word in words[words.index("ACL") :]]
        for words in found
    ]


@dataclass
class Secured:
    """Files and options of Redis over TLS, in which each client has a certificate."""

    folder: Path

    def __post_init__(self) -> None:
        authority = Authority(self.folder)
        self.ca = authority.certificate
        self.server, self.client = authority.issue("redis"), authority.issue("tiled")

    def lines(self, name: str, *users_of_page: list[str]) -> list[str]:
        """Return the configuration of a server whose users are in the file `name`."""
        users = self.folder / name
        of_page = [["user", *words[2:]] for words in users_of_page]
        all_users = [["user", "default", "on", f">{ADMIN}", "~*", "&*", "+@all"], *of_page]
        users.write_text("".join(f"{' '.join(words)}\n" for words in all_users))
        certificate, key = self.server
        return [
            "tls-port PORT",
            "port 0",
            f"tls-cert-file {certificate}",
            f"tls-key-file {key}",
            f"tls-ca-cert-file {self.ca}",
            "tls-auth-clients yes",
            "tls-replication yes",
            f"aclfile {users}",
        ]

    @property
    def options(self) -> dict[str, str]:
        """The options of an address."""
        certificate, key = map(str, self.client)
        return {"ssl_ca_certs": str(self.ca), "ssl_certfile": certificate, "ssl_keyfile": key}

    @property
    def login(self) -> dict[str, Any]:
        """How the administrator connects."""
        return {"host": "127.0.0.1", "password": ADMIN, "ssl": True, **self.options}

    @property
    def query(self) -> str:
        return "&".join(f"{name}={path}" for name, path in self.options.items())
