"""Which addresses Vapi's answers may lead us to: its own hosts, its storage, and this machine only when its API itself is here (vapi-protocol §1.3, §1.4).

A URL that comes from outside is checked before anything is dialled, and the address its name leads to once more when it is. Read next: `bridge.clients.vapi`.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

VAPI_HOSTS = ("vapi.ai", ".vapi.ai")
"""A name that begins with a dot stands for every host below it."""
STORAGE_HOSTS = (".vapi.ai", ".r2.cloudflarestorage.com", ".amazonaws.com", ".googleapis.com", ".supabase.co")
"""Where Vapi keeps recordings: the one redirect may lead to these."""
MAX_URL = 4096
PLAIN = {"wss": "ws", "https": "http"}
_PRINTABLE = re.compile(r"[!-\[\]-~]+")
"""ASCII without spaces and without the backslash, which parsers read in two ways."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def allowed(url: str, *, api_base: str, scheme: str, hosts: tuple[str, ...] = VAPI_HOSTS) -> bool:
    """Whether a URL has this scheme (wss, https) and one of these hosts, port 443, no user, no fragment.

    With an API on loopback it must lead there instead, to the API's own port; plain is enough.
    """
    if len(url) > MAX_URL or not _PRINTABLE.fullmatch(url) or "#" in url:
        return False
    try:
        parts, base = urlsplit(url), urlsplit(api_base)
        port, base_port = parts.port, base.port
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    if "@" in parts.netloc or ".." in host or not _HOST.fullmatch(host):
        return False
    if is_loopback(base.hostname or ""):
        return parts.scheme in (scheme, PLAIN[scheme]) and is_loopback(host) and port == base_port
    fits = any(host.endswith(name) if name.startswith(".") else host == name for name in hosts)
    return parts.scheme == scheme and port in (None, 443) and fits


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine; `127.1` and its like are no addresses."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an address is out on the Internet, also where it is an IPv4 one in IPv6's clothes."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        ip = inner or ip
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)
