/**
 * The Lua scripts of the Upstash store: each is one stroke, and every key it
 * touches is declared. What they cost is in `core/store.ts`, and the contract
 * suite counts it.
 *
 * @module
 */

import { NOTE } from "./hash.ts";

/** By name. */
export const SCRIPTS = {
  /** KEYS: token, used. ARGV: time. */
  stamp: `if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
    redis.call('SET', KEYS[2], ARGV[1])
    return 1`,
  /** KEYS: audit, token, index. ARGV: entry, member, field, value, … */
  create: `if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
    redis.call('HSET', KEYS[2], unpack(ARGV, 3))
    redis.call('ZADD', KEYS[3], 0, ARGV[2])
    ${NOTE}
    return 1`,
  /** KEYS: audit, token. ARGV: entry, field to remove or '', field, value, … */
  edit: `if redis.call('EXISTS', KEYS[2]) == 0 then return false end
    if ARGV[2] ~= '' then redis.call('HDEL', KEYS[2], ARGV[2]) end
    if #ARGV > 2 then redis.call('HSET', KEYS[2], unpack(ARGV, 3)) end
    ${NOTE}
    return redis.call('HGETALL', KEYS[2])`,
  /** KEYS: audit, token. ARGV: entry, hash as JSON, last4 as JSON, grace's end. */
  rotate: `local old = redis.call('HGET', KEYS[2], 'hash')
    if not old then return false end
    redis.call('HSET', KEYS[2], 'hash', ARGV[2], 'last4', ARGV[3],
      'previous', '{"hash":' .. old .. ',"expires":' .. ARGV[4] .. '}')
    ${NOTE}
    return redis.call('HGETALL', KEYS[2])`,
  /** KEYS: audit, token, used, index, and what else is the token's. ARGV: entry, id. */
  remove: `local created = redis.call('HGET', KEYS[2], 'created')
    if not created then return 0 end
    redis.call('DEL', KEYS[2], KEYS[3], unpack(KEYS, 5))
    redis.call('ZREM', KEYS[4], string.format('%012d.%s', created, ARGV[2]))
    ${NOTE}
    return 1`,
} as const;
