"""Which addresses may hold a picture that somebody attached, and which machines may be asked.

A person wrote the address, so it could name a machine of the operator's own network. The host must
be one of a few by its name, and what the name stands for must be public; only the GitHub that the
operator has configured may be anywhere.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

# Nothing that two readers of addresses could read in two ways.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]!$&()*+,;=%]{1,4096}")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_AT_HOME = re.compile(
    rf"/(?:user-attachments/assets/|[\w.-]+/[\w.-]+/assets/\d+/|storage/user/\d+/files/)({_UUID})"
)
_MEDIA = re.compile(rf"/user/\d+/files/({_UUID})")  # of an Enterprise Server
_OLD = re.compile(r"/\d+/([\w.-]+)")
_OLD_HOST = "user-images.githubusercontent.com"
_FAMILY = ".githubusercontent.com"
# Where github.com keeps attachments. Anybody may open another bucket, so it is one by name.
_BUCKETS = frozenset({"github-production-user-asset-6210df.s3.amazonaws.com"})
# IPv6 addresses that carry an IPv4 one: RFC 6052, and what is as good as loopback.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Home:
    """The GitHub of the configuration, such as `https://github.com`."""

    url: str

    def attachment(self, address: str) -> str | None:
        """The name under which GitHub keeps the attachment of this address; None if it is none."""
        parts = split(address)
        if parts is None or parts.query or parts.fragment:
            return None
        if self._is_here(parts):
            return _first(_AT_HOME, parts.path)
        if parts.scheme != "https" or parts.port is not None:
            return None
        if parts.hostname == f"media.{self._host}":
            return _first(_MEDIA, parts.path)
        return _first(_OLD, parts.path) if parts.hostname == _OLD_HOST else None

    def may_ask(self, address: str) -> bool:
        """Whether the address, or one that GitHub leads to, may be asked at all."""
        parts = split(address)
        if parts is None:
            return False
        if self._is_here(parts):
            return True
        host = parts.hostname or ""
        ours = host.endswith((_FAMILY, f".{self._host}")) or host in _BUCKETS
        return parts.scheme == "https" and parts.port in {None, 443} and ours

    def holds(self, host: str, port: int) -> bool:
        """Whether this is the configured Enterprise Server, which may be on a private network.

        GitHub's own machines never are.
        """
        parts = urlsplit(self.url)
        served = host == "github.com" or host.endswith(".ghe.com")
        return (host, port) == (parts.hostname, _port(parts)) and not served

    def is_home(self, address: str) -> bool:
        """Whether the address is one of the configured GitHub itself, which may see our token."""
        parts = split(address)
        return parts is not None and self._is_here(parts)

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def _is_here(self, parts: SplitResult) -> bool:
        home = urlsplit(self.url)
        return (parts.scheme, parts.hostname, _port(parts)) == (
            home.scheme,
            home.hostname,
            _port(home),
        )


def split(address: str) -> SplitResult | None:
    """The parts of an address that can only be read in one way; None for every other."""
    if not _PLAIN.fullmatch(address):  # also without `@`: nobody signs in by address
        return None
    try:
        parts = urlsplit(address)
        _port(parts)
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None


def is_public(address: str) -> bool:
    """Whether everybody's internet leads to this IP address, in each way of reading it."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast for each in (ip, *_carried(ip)))


def _carried(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address]:
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    carried = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        carried.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in carried if each is not None]


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _first(pattern: re.Pattern[str], path: str) -> str | None:
    found = pattern.fullmatch(path)
    return found[1] if found else None
