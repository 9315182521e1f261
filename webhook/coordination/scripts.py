# SPDX-License-Identifier: Apache-2.0
"""What Valkey does in one step, in Lua, each on one key. Time is the server's own, so that no host's clock matters.

https://valkey.io/topics/eval-intro/
"""

# KEYS[1] what only one may have for a while. ARGV: the while (ms); a token. Answers 1 to that one. A key without an
# expiry is none of ours, and would stand in everybody's way for ever.
ONCE = """
if redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', ARGV[1]) then return 1 end
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 0
"""

# KEYS[1] the lock. ARGV: the token it was taken with. Only whoever holds it releases it: after its expiry it may be
# somebody else's. https://valkey.io/topics/distributed-locks/
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS[1] whose a document is. ARGV: the identity that verified with it; how long that is known (ms). Answers the other
# identity whose it is, else nil. A holder that says it again has it for that long again.
CLAIM = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return nil
"""

# KEYS[1] a sorted set of the calls in the window, by when they began (ms). ARGV: the window (ms); how many calls it
# allows; how many of them this call may make full, 0 for one that is never held back; 1 to count it, 0 to ask only; a
# name of its own. Answers the milliseconds to wait.
ROOM = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local allowed = tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now, '+inf') -- of a clock that was set back since
if allowed > 0 then
  local begun = redis.call('ZRANGE', KEYS[1], -allowed, -allowed, 'WITHSCORES')
  if begun[2] and begun[2] + ARGV[1] > now then return begun[2] + ARGV[1] - now end
end
if ARGV[4] == '1' then
  redis.call('ZADD', KEYS[1], now, ARGV[5])
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return 0
"""

# The index is one sorted set: identities by when they are due (s), and the mark of completeness, `complete:` with the
# server's run id, by minus its expiry (s). So whoever loses the one loses the other, and an index that a restarted
# server has read from an older snapshot, or a replica has in part, is not complete.
_SERVER = "local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''\n"
_NOW = "local now = redis.call('TIME')[1]\n"

# ARGV: when it is due; the identity. Answers the server's run id.
SCHEDULE = f"""{_SERVER}
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
return server
"""

# ARGV: seconds; the run id that every entry since the last mark went to, or nothing. Answers 1 when it is marked.
COMPLETE = f"""{_SERVER}{_NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(0')
if ARGV[2] ~= '' and ARGV[2] ~= server then return 0 end
redis.call('ZADD', KEYS[1], -(now + ARGV[1]), 'complete:' .. server)
return 1
"""

# ARGV: how many at most; the lease. Answers identities, or nil where the index is not complete.
TAKE = f"""{_SERVER}{_NOW}
local complete = redis.call('ZSCORE', KEYS[1], 'complete:' .. server)
if not complete or -complete <= tonumber(now) then return nil end
local due = redis.call('ZRANGEBYSCORE', KEYS[1], 0, now, 'LIMIT', 0, ARGV[1])
for _, identity in ipairs(due) do redis.call('ZADD', KEYS[1], now + ARGV[2], identity) end
return due
"""
