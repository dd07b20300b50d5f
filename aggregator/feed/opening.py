"""Opening a WebSocket: the name, the line, TLS, and the venue's answer, within one deadline.

The rule of this file: whatever goes wrong on the way is one exception, with its reason in words.
"""

import asyncio
import ssl
import time

from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.uri import parse_uri

from aggregator.feed.addresses import offline_url
from aggregator.feed.ccxt_socket import SCHEME, CcxtError, open_ccxt
from aggregator.feed.sockets import Listener, VenueSocket

OPEN_WITHIN_S = 10.0  # Name, line, TLS and answer take under one second where they work.
USER_AGENT = "rialto-aggregator"
RETRY_AFTER_DEFAULT_S = 60.0  # Where a venue says "too many" and not for how long.
RETRY_AFTER_MAX_S = 3 * 86_400.0  # The longest ban a venue's documents speak of.
TOO_MANY = (418, 429)  # 418 is one venue's word for: banned, as 429 was not heeded.
FORBIDDEN = 403  # Its meaning is each venue's own: see `Rest.forbidden_s`.


class Way:
    """How this process gets to venues: an address that stands for all of them, and whom to trust
    (None: whom this machine trusts).
    """

    def __init__(self, offline_address: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.offline_address = offline_address
        self._tls = tls
        self._loading = asyncio.Lock()

    async def tls(self) -> ssl.SSLContext:
        """Return what all connections share: reading the list of authorities takes long enough
        to be felt, so it is read once, and beside the loop.
        """
        async with self._loading:
            if self._tls is None:
                self._tls = await asyncio.to_thread(ssl.create_default_context)
            return self._tls


class OpeningError(Exception):
    """It could not be opened. With `banned_s` above 0 the venue wants to be left alone so long."""

    def __init__(self, reason: str, *, status: int = 0, banned_s: float = 0.0) -> None:
        super().__init__(reason)
        self.status = status
        self.banned_s = banned_s


def retry_after_s(text: str | None) -> float:
    """Return what a Retry-After header says; dates and nonsense count as not said."""
    if text is None or not (text.isascii() and text.isdigit()):
        return RETRY_AFTER_DEFAULT_S
    return min(float(text), RETRY_AFTER_MAX_S) or 1.0


async def open_socket(
    url: str, way: Way, listener: Listener, buffer: memoryview, within_s: float = OPEN_WITHIN_S
) -> VenueSocket:
    """Open `url`, or what stands for it offline; raises OpeningError."""
    if url.startswith(SCHEME):
        if way.offline_address:
            raise OpeningError(f"nothing stands in for {url} offline")
        try:
            return await open_ccxt(url, listener, time.time_ns() // 1_000_000)
        except CcxtError as error:
            raise OpeningError(str(error)) from error
    try:
        uri = parse_uri(offline_url(url, way.offline_address))
    except (InvalidURI, ValueError) as error:
        raise OpeningError(str(error)) from error
    tls = await way.tls() if uri.secure else None
    socket = VenueSocket(uri, USER_AGENT, listener, buffer)
    try:
        async with asyncio.timeout(within_s):
            await asyncio.get_running_loop().create_connection(
                lambda: socket,
                uri.host,
                uri.port,
                ssl=tls,
                server_hostname=uri.host if tls else None,
            )
            await socket.opening
    except BaseException as error:
        _forget(socket)
        if isinstance(error, OSError | InvalidHandshake):
            raise _as_opening_error(error, within_s) from error
        raise
    return socket


def _forget(socket: VenueSocket) -> None:
    socket.abort()
    if socket.opening.done() and not socket.opening.cancelled():
        socket.opening.exception()  # Looked at, so that nobody is told of it later.
    socket.opening.cancel()


def _as_opening_error(error: Exception, within_s: float) -> OpeningError:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        headers = error.response.headers
        banned_s = retry_after_s(headers.get("Retry-After")) if status in TOO_MANY else 0.0
        return OpeningError(f"HTTP {status}", status=status, banned_s=banned_s)
    if isinstance(error, TimeoutError):
        return OpeningError(f"no answer within {within_s:g} s")
    return OpeningError(str(error) or type(error).__name__)
