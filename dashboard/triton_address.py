"""Judges the address of a Triton that an administrator named, when the server starts."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

WANTED = "ANNEAL_TRITON_URL: http://HOST:PORT or https://HOST:PORT of Triton's HTTP service, and nothing behind it"


def checked_address(given: str) -> str:
    """Returns it without a slash at its end; empty for none. Raises ImproperlyConfigured for anything but scheme, host and port."""
    address = given.strip().removesuffix("/")
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and bool(parts.port)
    except ValueError as error:
        raise ImproperlyConfigured(f"{WANTED} ({error})") from error
    if address and (not is_whole or parts.path or parts.query or parts.fragment or "@" in parts.netloc):
        # It may hold a password, so that it is not repeated.
        raise ImproperlyConfigured(WANTED)
    return address
