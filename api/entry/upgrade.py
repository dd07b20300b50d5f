"""From a connection of HTTP to one of order entry, below uvicorn.

The rule of this file: until the handshake is answered, the limits of `LimitedProtocol` hold; a
refusal leaves nothing behind.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.edge.errors import ApiError
from api.edge.protocol import LimitedProtocol
from api.entry.sockets import EntryHub, EntrySocket, refusal_bytes


def protocol_with(entry: EntryHub) -> type[HttpToolsProtocol]:
    """Return the protocol of a port where orders may also be entered by WebSocket."""

    class EntryProtocol(LimitedProtocol):
        """HTTP/1.1 until a handshake; afterwards the connection belongs to an `EntrySocket`."""

        def _should_upgrade_to_ws(self) -> bool:
            return True

        def handle_websocket_upgrade(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self.send_400_response("")  # Its answers would come in between.
                return
            self.connections.discard(self)
            peer = self.client[0] if self.client else ""
            address = entry.address_of(peer, self.headers)
            try:
                path = httptools.parse_url(self.url).path.decode("ascii")
                answer = entry.admit(self.scope["method"], path, self.headers, address)
            except ApiError as error:
                self.transport.write(refusal_bytes(error))
                self.transport.close()
                return
            socket = EntrySocket(entry, self.connections, address)
            transport = self.corked.transport
            self.corked.uncork()
            transport.write(answer)
            socket.connection_made(transport)
            transport.set_protocol(socket)

    return EntryProtocol
