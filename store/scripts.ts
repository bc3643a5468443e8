/**
 * The Lua scripts of the Upstash store: each is one stroke, and every key it
 * touches is declared. What they cost is in `core/store.ts`, and the contract
 * suite counts it.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** By name. */
export const SCRIPTS = {
  /** KEYS: pause, then a token each. */
  admit: `local out = {redis.call('GET', KEYS[1])}
    for i = 2, #KEYS do out[i] = redis.call('HGETALL', KEYS[i]) end
    return out`,
  /** KEYS: token, used. ARGV: time. */
  stamp: `if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
    redis.call('SET', KEYS[2], ARGV[1])
    return 1`,
  /** KEYS: token, index, audit. ARGV: member, entry, field, value, … */
  create: `if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
    redis.call('HSET', KEYS[1], unpack(ARGV, 3))
    redis.call('ZADD', KEYS[2], 0, ARGV[1])
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'e', ARGV[2])
    return 1`,
  /** KEYS: token, audit. ARGV: entry, field to remove or '', field, value, … */
  edit: `if redis.call('EXISTS', KEYS[1]) == 0 then return false end
    if ARGV[2] ~= '' then redis.call('HDEL', KEYS[1], ARGV[2]) end
    if #ARGV > 2 then redis.call('HSET', KEYS[1], unpack(ARGV, 3)) end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])
    return redis.call('HGETALL', KEYS[1])`,
  /** KEYS: token, audit. ARGV: entry, hash as JSON, last4 as JSON, grace's end. */
  rotate: `local old = redis.call('HGET', KEYS[1], 'hash')
    if not old then return false end
    redis.call('HSET', KEYS[1], 'hash', ARGV[2], 'last4', ARGV[3],
      'previous', '{"hash":' .. old .. ',"expires":' .. ARGV[4] .. '}')
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])
    return redis.call('HGETALL', KEYS[1])`,
  /** KEYS: token, used, index, audit. ARGV: id, entry. */
  remove: `local created = redis.call('HGET', KEYS[1], 'created')
    if not created then return 0 end
    redis.call('DEL', KEYS[1], KEYS[2])
    redis.call('ZREM', KEYS[3], string.format('%012d.%s', created, ARGV[1]))
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 'e', ARGV[2])
    return 1`,
  /** KEYS: audit, index, then a token each. ARGV: entry, then per token: id, member, hash as JSON, number of values, field, value, … */
  import: `local taken, at = {}, 2
    for i = 3, #KEYS do
      local hash = redis.call('HGET', KEYS[i], 'hash')
      if hash and hash ~= ARGV[at + 2] then taken[#taken + 1] = ARGV[at] end
      at = at + 4 + ARGV[at + 3]
    end
    if #taken > 0 then return taken end
    at = 2
    for i = 3, #KEYS do
      if redis.call('EXISTS', KEYS[i]) == 0 then
        redis.call('HSET', KEYS[i], unpack(ARGV, at + 4, at + 3 + ARGV[at + 3]))
        redis.call('ZADD', KEYS[2], 0, ARGV[at + 1])
      end
      at = at + 4 + ARGV[at + 3]
    end
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])
    return taken`,
  /** KEYS: pause, audit. ARGV: entry, pause or ''. */
  pause: `if ARGV[2] == '' then redis.call('DEL', KEYS[1])
    else redis.call('SET', KEYS[1], ARGV[2]) end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])
    return 1`,
} as const;

/** Their names in Redis: lower-case hex SHA-1. */
export const SHA1 = Object.fromEntries(
  Object.entries(SCRIPTS).map(([name, text]) => [
    name,
    createHash("sha1").update(text).digest("hex"),
  ]),
) as Record<keyof typeof SCRIPTS, string>;
