"""Every Redis name of a venue. The rule of this file: nobody else spells a key or a channel.

All names carry one hash tag `{venue}` (here {v}), so a venue is one slot of a Redis Cluster and
scripts are legal there. "Commit" is the engine's one atomic script per batch; whatever it writes
is true at `position` of {v}:meta.

name                type    writer   content and lifetime
{v}:n               string  enqueue  last journal number; journal entries are 1, 2, 3, ...
{v}:in              stream  enqueue  the journal, id `n-0`: t (Redis clock, microseconds), b
                                     (payload); trimmed only behind the commit and the archive
{v}:meta            hash    commit   position, sequence, chain (hex), at_ns, next_order_id,
                                     unreadable, version; and by the lease: epoch, owner, halt,
                                     program (version and limits), program_at (since which
                                     position)
{v}:ev              stream  commit   events, id `lastsequence-0`: e (msgpack list of Applied);
                                     trimmed behind the archive, the last minutes are kept
{v}:lease           string  lease    owner, with expiry: for liveness only, safety is the epoch
{v}:assets          hash    commit   asset -> Asset
{v}:markets         hash    commit   market -> Market
{v}:market_states   hash    commit   market -> MarketState
{v}:accounts        hash    commit   account id -> AccountRow
{v}:balances        hash    commit   `account:asset` -> "available held" in atoms
{v}:totals          hash    commit   asset -> Totals
{v}:withdrawals     hash    commit   withdrawal id -> Withdrawal, pending ones only
{v}:open:<account>  hash    commit   order id -> Order, open and pending orders only
{v}:closed          hash    commit   order id -> Order, for 24 h of journal time, capped
{v}:results         hash    commit   `account:key` -> CommandResult: the idempotency window
{v}:depth:<market>  hash    commit   `b<price_ticks>` or `a<price_ticks>` -> lots
{v}:trades:<market> list    commit   TradeRow, newest first, capped
{v}:dead            list    commit   bytes of unreadable entries, newest first, capped
{v}:attempts        hash    engine   n, count: deaths at a journal entry, see engine.attempts
{v}:cursor:<name>   string  its own  how far a follower is: the archiver's "number chain"
{v}:standby         string  standby  JSON: how far it is and what it has verified; it expires in
                                     seconds, and the journal is not trimmed before its position
{v}:changes_wanted  string  standby  somebody loads the rows during commits; expires in seconds
{v}:changes         stream  commit   while wanted: f (position before), w (the commit's writes)

channel             publisher        message
{v}:events          engine           the bytes of one {v}:ev entry, after its commit
{v}:reply:<gateway> engine           msgpack list of Reply, to the process that sent the commands
{v}:heartbeat       engine           text "epoch sequence", three times per lease
{v}:aggregator      operators        ResumeFeed: to every aggregator, and who has the feed obeys
{v}:feeds           producers        Alive: the channels that a producer has, once a second
{v}:feeds_asked     broadcasters     Ask: publish images of channels, or say which there are
{v}:feed:<producer> its own          Publication: what is new on a channel of the feed; the name
                                     goes on with `:<channel>`, so that no producer can meddle
                                     with what another one publishes
"""


class Keys:
    """The names of one venue; attributes hold the fixed ones, methods make the others."""

    def __init__(self, venue: str) -> None:
        tag = f"{{{venue}}}"
        self.tag = tag
        self.n = f"{tag}:n"
        self.journal = f"{tag}:in"
        self.meta = f"{tag}:meta"
        self.events = f"{tag}:ev"
        self.lease = f"{tag}:lease"
        self.assets = f"{tag}:assets"
        self.markets = f"{tag}:markets"
        self.market_states = f"{tag}:market_states"
        self.accounts = f"{tag}:accounts"
        self.balances = f"{tag}:balances"
        self.totals = f"{tag}:totals"
        self.withdrawals = f"{tag}:withdrawals"
        self.closed = f"{tag}:closed"
        self.results = f"{tag}:results"
        self.dead = f"{tag}:dead"
        self.attempts = f"{tag}:attempts"
        self.standby = f"{tag}:standby"
        self.changes = f"{tag}:changes"
        self.changes_wanted = f"{tag}:changes_wanted"
        self.events_channel = f"{tag}:events"
        self.heartbeat_channel = f"{tag}:heartbeat"
        self.aggregator_channel = f"{tag}:aggregator"
        self.feeds_channel = f"{tag}:feeds"
        self.feeds_asked_channel = f"{tag}:feeds_asked"

    def open_orders(self, account_id: int) -> str:
        return f"{self.tag}:open:{account_id}"

    def depth(self, market: str) -> str:
        return f"{self.tag}:depth:{market}"

    def trades(self, market: str) -> str:
        return f"{self.tag}:trades:{market}"

    def cursor(self, follower: str) -> str:
        return f"{self.tag}:cursor:{follower}"

    def reply_channel(self, gateway: str) -> str:
        return f"{self.tag}:reply:{gateway}"

    def feed_channel(self, producer: str, channel: str) -> str:
        return f"{self.tag}:feed:{producer}:{channel}"


def balance_field(account_id: int, asset: str) -> str:
    """The field of the balances hash."""
    return f"{account_id}:{asset}"


def result_field(account_id: int, idempotency_key: str) -> str:
    """The field of the results hash."""
    return f"{account_id}:{idempotency_key}"
