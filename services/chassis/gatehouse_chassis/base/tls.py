"""The certificate authorities that HTTP clients trust: read once for all clients of a process."""

import functools
import ssl

import httpx


@functools.cache
def trusted_authorities() -> ssl.SSLContext:
    """For `verify=` of an httpx client, which else reads them anew: 30 ms and a megabyte for each, and the portal has a
    client for every service. Not to be changed, as all share it.
    """
    return httpx.create_ssl_context(trust_env=False)
