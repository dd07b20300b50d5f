"""What waits to be sent to one client.

The rule of this file: it is bounded, and it never waits. Frames of views give way when the client
falls behind, for a snapshot says the same in less; everything else (answers, the account) is
either sent or refused, never lost silently.
"""

from broadcaster.channels.topic import View

MESSAGES_MAX = 32_768  # One order may fill as many at once; each slot costs 16 bytes besides.
BYTES_MAX = 8 << 20  # 16,000 fills for their owner; a reader that is further behind is cut off.
LAG_MESSAGES_MAX = 1_024  # About 5 s of a busy market's deltas; later a snapshot is worth more.
LAG_BYTES_MAX = 1 << 20

Source = View | str  # The view, or the name of a channel that is none; "" for answers.


class Outbox:
    """Frames in the order they go out, each with its source; `frames` is for reading only.

    Two plain lists: they are taken as a whole by a client that keeps up, and an empty one costs
    less than anything else that has an order.
    """

    __slots__ = ("_kept_bytes", "_kept_count", "_sources", "_view_bytes", "frames")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._sources: list[Source] = []
        self._view_bytes = 0
        self._kept_bytes = 0  # Of what may not be lost.
        self._kept_count = 0

    @property
    def size_bytes(self) -> int:
        return self._view_bytes + self._kept_bytes

    def add(self, view: View, frame: bytes) -> bool:
        """Append a frame of a view; return False, and keep nothing of it, when there is no room.

        A single frame may be larger than the limit: there is room as long as the limit is not
        passed.
        """
        frames = self.frames
        if len(frames) >= LAG_MESSAGES_MAX or self._view_bytes >= LAG_BYTES_MAX:
            return False
        frames.append(frame)
        self._sources.append(view)
        self._view_bytes += len(frame)
        return True

    def keep(self, channel: str, frame: bytes) -> bool:
        """Append what may not be lost; return False when there is no room even so.

        A frame larger than the limit fits where nothing else waits that may not be lost.
        """
        size_bytes = self._kept_bytes + len(frame)
        if self._kept_count and (size_bytes > BYTES_MAX or self._kept_count >= MESSAGES_MAX):
            return False
        self.frames.append(frame)
        self._sources.append(channel)
        self._kept_bytes = size_bytes
        self._kept_count += 1
        return True

    def take(self, bytes_max: int) -> list[bytes]:
        """Remove and return the oldest frames: at most so many bytes, but at least one frame."""
        frames = self.frames
        if self._view_bytes + self._kept_bytes <= bytes_max:
            self.clear()
            return frames
        size_bytes = count = 0
        for frame in frames:
            size_bytes += len(frame)
            if count and size_bytes > bytes_max:
                break
            count += 1
        taken = frames[:count]
        for frame, source in zip(taken, self._sources, strict=False):
            self._forget(frame, source)
        del frames[:count], self._sources[:count]
        return taken

    def drop_views(self) -> set[View]:
        """Forget all frames of views; return those that had any."""
        dropped = {source for source in self._sources if isinstance(source, View)}
        self.drop(dropped)
        return dropped

    def drop(self, sources: set[View] | set[str]) -> None:
        """Forget all frames of these sources."""
        waiting = list(zip(self.frames, self._sources, strict=True))
        self.clear()
        for frame, source in waiting:
            if source not in sources:
                self.frames.append(frame)
                self._sources.append(source)
                if isinstance(source, View):
                    self._view_bytes += len(frame)
                else:
                    self._kept_bytes += len(frame)
                    self._kept_count += 1

    def clear(self) -> None:
        """Forget everything."""
        self.frames = []
        self._sources = []
        self._view_bytes = self._kept_bytes = self._kept_count = 0

    def _forget(self, frame: bytes, source: Source) -> None:
        if isinstance(source, View):
            self._view_bytes -= len(frame)
        else:
            self._kept_bytes -= len(frame)
            self._kept_count -= 1
