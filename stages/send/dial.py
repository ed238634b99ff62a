"""Opens the byte stream to a server: direct or through a proxy, with TLS where the address says."""

from __future__ import annotations

import ssl
import urllib.parse
import urllib.request

import trio

from hud.address import host_of
from hud.errors import ConnectionLostError
from hud.realtime.trouble import Cure, Trouble

CONNECT_TIMEOUT = 20.0
Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


async def dial(url: str) -> Stream:
    """Connect to the host of a ws:// or wss:// address within `CONNECT_TIMEOUT` seconds.

    HTTPS_PROXY, ALL_PROXY and NO_PROXY are respected, SSL_CERT_FILE and SSL_CERT_DIR by OpenSSL;
    certificates are always verified.

    Raises:
        ConnectionLostError: it cannot be reached, or is not who it should be.
    """
    host = host_of(url)
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            return await _open(urllib.parse.urlsplit(url))
    except trio.TooSlowError:
        reason = f"{host} did not answer within {CONNECT_TIMEOUT:g} s"
    except (OSError, trio.BrokenResourceError) as error:
        cause = _cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            trouble = Trouble("certificate", f"{host}: {cause.verify_message}", cure=Cure.STOP)
            raise ConnectionLostError(trouble) from None
        reason = f"{host} cannot be reached: {_words(cause)}"
    raise ConnectionLostError(Trouble("unreachable", reason, cure=Cure.RECONNECT))


async def _open(parts: urllib.parse.SplitResult) -> Stream:
    assert parts.hostname is not None
    secure = parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    proxy = proxy_for(parts.hostname) if secure else None
    if proxy is None:
        stream = await trio.open_tcp_stream(parts.hostname, port)
    else:
        stream = await _through(proxy, parts.hostname, port)
    if not secure:
        return stream
    tls = trio.SSLStream(
        stream, ssl.create_default_context(), server_hostname=parts.hostname, https_compatible=True
    )
    try:
        await tls.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return tls


def proxy_for(host: str) -> str | None:
    """The proxy that the environment names for wss:// to this host, None for none."""
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get("https") or proxies.get("all")


async def _through(proxy: str, host: str, port: int) -> trio.SocketStream:
    import python_socks  # noqa: PLC0415 - few have a proxy, and all would wait for the import
    from python_socks.async_.trio import Proxy  # noqa: PLC0415

    name = urllib.parse.urlsplit(proxy).hostname or "?"
    try:
        socket = await Proxy.from_url(proxy).connect(dest_host=host, dest_port=port)
    except (python_socks.ProxyError, ValueError) as error:
        raise OSError(f"the proxy {name} says: {error}") from None
    except (python_socks.ProxyConnectionError, python_socks.ProxyTimeoutError):
        raise OSError(f"the proxy {name} cannot be reached") from None
    return trio.SocketStream(socket)


def _cause(error: BaseException) -> BaseException:
    """The first cause: what trio raises says only that every address of the host failed."""
    if isinstance(error, BaseExceptionGroup):
        return _cause(error.exceptions[0])
    return _cause(error.__cause__) if error.__cause__ is not None else error


def _words(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
