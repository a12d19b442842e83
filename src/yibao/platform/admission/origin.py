"""Where a call comes from: the address of its connection, or what our own proxy says it is."""

from ipaddress import ip_address, ip_network


class Proxies:
    """The proxies in front of us; nobody else is believed about addresses."""

    def __init__(self, networks: str = "") -> None:
        """``networks``: addresses or networks, joined by commas. Raises ValueError."""
        self._networks = tuple(
            ip_network(one.strip(), strict=False) for one in networks.split(",") if one.strip()
        )

    def origin(self, address: str, forwarded: str) -> str:
        """Who called, of a connection's address and its X-Forwarded-For."""
        if forwarded and self._networks and self._has(address):
            return forwarded.rpartition(",")[2].strip()  # the one that our proxy itself saw
        return address

    def _has(self, address: str) -> bool:
        try:
            own = ip_address(address)
        except ValueError:
            return False
        return any(own in network for network in self._networks)
