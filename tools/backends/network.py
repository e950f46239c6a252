"""Hosts of a network on one machine: network namespaces on a bridge (Linux, as root)."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

# A hardware address that no host has: packets sent there are lost without an answer.
NOWHERE = "02:00:00:00:00:01"
INTERFACE = "eth0"
PREFIX_LENGTH = 24


@dataclass(frozen=True)
class Host:
    """A namespace with its own address; `prefix` is what precedes a command that runs in it."""

    namespace: str
    address: str

    @property
    def prefix(self) -> list[str]:
        """Return the beginning of a command that runs on this host."""
        return ["ip", "netns", "exec", self.namespace]

    def lose_packets_to(self, other: Host) -> None:
        """Lose what this host sends to the other, connections and their ends included."""
        _ip(
            *("-n", self.namespace, "neigh", "replace", other.address, "lladdr", NOWHERE),
            *("dev", INTERFACE, "nud", "permanent"),
        )

    def find(self, other: Host) -> None:
        """Send packets to the other host again."""
        with suppress(subprocess.CalledProcessError):  # it was not lost
            _ip("-n", self.namespace, "neigh", "del", other.address, "dev", INTERFACE)

    def limit(self, megabits: float) -> None:
        """Bound what this host sends, in Mbit/s, as its network interface would."""
        subprocess.run(
            [
                *("tc", "-n", self.namespace, "qdisc", "replace", "dev", INTERFACE, "root", "tbf"),
                *("rate", f"{megabits}mbit", "burst", "256kb", "latency", "50ms"),
            ],
            check=True,
        )


@dataclass
class Network:
    """A bridge, whose own `address` is that of this machine."""

    number: int
    hosts: list[Host] = field(default_factory=list)

    @property
    def bridge(self) -> str:
        """Return the name of the bridge."""
        return f"tiled{self.number}"

    @property
    def address(self) -> str:
        """Return the address of this machine in the network."""
        return self._address(1)

    @property
    def subnet(self) -> str:
        """Return the addresses of all hosts."""
        return f"{self._address(0)}/{PREFIX_LENGTH}"

    def host(self) -> Host:
        """Add a host."""
        index = len(self.hosts) + 2
        host = Host(f"{self.bridge}-{index}", self._address(index))
        outer = f"{self.bridge}h{index}"
        _ip("netns", "add", host.namespace)
        self.hosts.append(host)
        _ip("link", "add", outer, "type", "veth", "peer", INTERFACE, "netns", host.namespace)
        _ip("link", "set", outer, "master", self.bridge, "up")
        inside = ("-n", host.namespace)
        _ip(*inside, "addr", "add", f"{host.address}/{PREFIX_LENGTH}", "dev", INTERFACE)
        for interface in (INTERFACE, "lo"):
            _ip(*inside, "link", "set", interface, "up")
        return host

    def _address(self, index: int) -> str:
        return f"10.217.{self.number}.{index}"


def network_here() -> bool:
    """Return whether this machine can have such a network."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


@contextmanager
def own_network() -> Iterator[Network]:
    """Make a network, and remove it and its hosts at the end."""
    network = Network(secrets.randbelow(250) + 1)
    _ip("link", "add", network.bridge, "type", "bridge")
    try:
        _ip("addr", "add", f"{network.address}/{PREFIX_LENGTH}", "dev", network.bridge)
        _ip("link", "set", network.bridge, "up")
        yield network
    finally:
        for host in network.hosts:
            _ip("netns", "del", host.namespace)
        _ip("link", "del", network.bridge)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
