"""The settings of the embedded Redis, for 6.2 and for 7, apart because 6.2 stops at a word it does
not know; and those of the Redis of limits.

The rule of this file: whatever keeps an acknowledged order on disk is written out, defaults
included.
"""

from string import Template

_COMMON = """\
# Written by Rialto at every start for $version; changes made here are lost.
bind 127.0.0.1
port $port
protected-mode yes
requirepass $password
timeout 0
tcp-keepalive 60
tcp-backlog 128
daemonize no
supervised no
loglevel notice
logfile ""
always-show-logo no
dir $folder

# A reply is sent after its write is on disk; a torn tail is cut, never a whole command.
appendonly yes
appendfilename "appendonly.aof"
appendfsync always
no-appendfsync-on-rewrite no
aof-load-truncated yes
save ""

# Nothing is ever evicted: a full memory refuses writes instead.
maxmemory-policy noeviction
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 64mb 16mb 10
"""

_ONLY_7 = """
appenddirname "appendonlydir"
aof-timestamp-enabled no
maxmemory-clients 10%
enable-protected-configs no
enable-debug-command no
enable-module-command no
"""

TEMPLATE_6_2 = Template(_COMMON)
TEMPLATE_7 = Template(_COMMON + _ONLY_7)

# Counts of a minute and bans: nothing of it lasts, and nothing of it may grow.
LIMITS_TEMPLATE = Template("""\
# Written by Rialto at every start; changes made here are lost.
bind 127.0.0.1
port $port
protected-mode yes
requirepass $password
timeout 0
tcp-keepalive 60
daemonize no
loglevel notice
logfile ""
dir /tmp

appendonly no
save ""
maxmemory 64mb
maxmemory-policy allkeys-lru
""")
