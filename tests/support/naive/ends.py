"""How an order stops: filled, cancelled or expired, with those that are linked to it.

The rule of this file: every path on which an order leaves the world is here, and releases its hold.
"""

from shared.messages import CancelReason, ExpiryReason
from tests.support.naive.world import CHILD, GONE, QUEUE, NaiveOrder, World


def cancel(world: World, order: NaiveOrder, reason: CancelReason, released: int = 0) -> None:
    """End an order; `released` is what its ending frees of another order's hold."""
    _end(world, order, "cancelled", reason, released)


def expire(world: World, order: NaiveOrder, reason: ExpiryReason) -> None:
    _end(world, order, "expired", reason, 0)


def _end(world: World, order: NaiveOrder, kind: str, reason: str, released: int) -> None:
    released += order.held
    order.held = 0
    _remove(world, order)
    told = order.order_id, str(reason), order.filled, order.remaining, -released
    world.tell(kind, *told)
    peer, child = order.peer, order.child
    unlink(order)
    if peer is not None:
        cancel(world, peer, CancelReason.LINKED)
    if child is not None and child.place == CHILD:
        cancel(world, child, CancelReason.LINKED)


def unlink(order: NaiveOrder) -> None:
    """Part the two orders of an OCO pair."""
    if order.peer is not None:
        order.peer.peer = None
        order.peer = None


def fill(world: World, order: NaiveOrder) -> None:
    """End an order that has all it wanted; its child's time has come."""
    order.held = 0
    _remove(world, order)
    child = order.child
    if child is not None and child.place == CHILD:
        child.place = QUEUE
        world.queue.append(child)


def _remove(world: World, order: NaiveOrder) -> None:
    order.place = GONE
    world.orders.remove(order)


def cancel_many(
    world: World,
    orders: list[NaiveOrder],
    reason: CancelReason,
    told: tuple[int, str, object],
    *,
    tell_nothing: bool,
) -> None:
    """Cancel orders by id; `told` is the account, market and side that OrdersCancelled names."""
    place = len(world.told)
    for order in orders:
        if order.place != GONE:
            cancel(world, order, reason)
    count = len(world.told) - place
    if count or tell_nothing:
        world.told.insert(place, ("orders_cancelled", *told, str(reason), count))
