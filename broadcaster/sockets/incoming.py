"""From frames to messages.

The rule of this file: a message is whole or it is none. Order and size of the frames have been
checked by the protocol that made them.
"""

from websockets.frames import Frame, Opcode


class Fragments:
    """What has come of a message so far."""

    __slots__ = ("_is_text", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._is_text = True

    def take(self, frame: Frame) -> str | bytes | None:
        """Return the message that a data frame completes, None when it goes on; raises
        UnicodeDecodeError.
        """
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if not frame.fin:
            if frame.data:  # An empty one adds nothing to the size, which alone is bounded.
                self._parts.append(bytes(frame.data))
            return None
        data = bytes(frame.data)
        if self._parts:
            data = b"".join([*self._parts, data])
            self._parts.clear()
        return data.decode() if self._is_text else data
