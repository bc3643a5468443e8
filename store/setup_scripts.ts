/**
 * The Lua of what the owner sets up, and of the state that every admission
 * reads: `{"pause": …, "turn": …}` as JSON. Before there were turns a pause lay
 * there by itself, or `null`.
 *
 * @module
 */

import { MOST_COOLDOWNS } from "../core/setup.ts";
import { NOTE } from "./hash.ts";

/** Reads and writes the state under `key`. Where it cannot be read a script ends there, so it goes before what is changed: Redis takes nothing back. */
export const STATE = `
  local call = redis.call
  local function state(key)
    local read = cjson.decode(call('GET', key) or 'null')
    if read == cjson.null then return {turn = 0} end
    if not read.turn then return {pause = read, turn = 0} end
    assert(type(read.turn) == 'number')
    return read
  end
  local function raise(key)
    local now = state(key)
    now.turn = now.turn + 1
    call('SET', key, cjson.encode(now))
  end`;

/** Takes cooldowns away. Lua unpacks some 8,000 at most. */
const END = `
  local function finish(cooling, ends, members)
    for i = 1, #members, 1000 do
      local last = math.min(i + 999, #members)
      call('HDEL', cooling, unpack(members, i, last))
      call('ZREM', ends, unpack(members, i, last))
    end
  end`;

/** By name. */
export const SETUP_SCRIPTS = {
  /** KEYS: audit, state. ARGV: entry, pause as JSON. */
  pause: `${STATE}
    local now = state(KEYS[2])
    now.pause = ARGV[2] ~= 'null' and cjson.decode(ARGV[2]) or nil
    call('SET', KEYS[2], cjson.encode(now))
    ${NOTE}
    return 1`,
  /** KEYS: state, setup, cooling. */
  read: `return {redis.call('GET', KEYS[1]),
    redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3])}`,
  /** KEYS: audit, state, setup. ARGV: entry, field, what must be there or '', what shall be there or ''. Answers what is there instead. */
  put: `${STATE}
    local kept = call('HGET', KEYS[3], ARGV[2]) or ''
    if kept ~= ARGV[3] then return kept end
    raise(KEYS[2])
    if ARGV[4] == '' then call('HDEL', KEYS[3], ARGV[2])
    else call('HSET', KEYS[3], ARGV[2], ARGV[4]) end
    ${NOTE}
    return 1`,
  /** KEYS: state, cooling, ends. ARGV: now, then per cooldown: member, end, cooldown as JSON. */
  cool: `${STATE} ${END}
    finish(KEYS[2], KEYS[3], call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[1]))
    local changed = false
    for i = 2, #ARGV, 3 do
      if tonumber(ARGV[i + 1]) > tonumber(ARGV[1])
        and call('ZADD', KEYS[3], 'GT', 'CH', ARGV[i + 1], ARGV[i]) == 1 then
        call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
        changed = true
      end
    end
    local over = call('ZCARD', KEYS[3]) - ${MOST_COOLDOWNS}
    if over > 0 then
      finish(KEYS[2], KEYS[3], call('ZRANGE', KEYS[3], 0, over - 1))
    end
    if changed then raise(KEYS[1]) end
    return 1`,
  /** KEYS: audit, state, cooling, ends. ARGV: entry or '', credentials. */
  warm: `${STATE} ${END}
    local wanted, members = {}, {}
    for i = 2, #ARGV do wanted[ARGV[i]] = true end
    for _, member in ipairs(call('HKEYS', KEYS[3])) do
      if wanted[string.match(member, '^%S+')] then members[#members + 1] = member end
    end
    if #members == 0 then return 0 end
    raise(KEYS[2])
    finish(KEYS[3], KEYS[4], members)
    if ARGV[1] ~= '' then ${NOTE} end
    return #members`,
  /** KEYS: audit, state, setup, index, then a token each. ARGV: entry, number of other records, field, record, …, then per token: id, member, hash as JSON, number of values, field, value, … */
  import: `${STATE}
    local others = 2 * ARGV[2]
    local taken, at, new = {}, 3 + others, false
    for i = 3, 2 + others, 2 do
      local kept = call('HGET', KEYS[3], ARGV[i])
      if kept and kept ~= ARGV[i + 1] then taken[#taken + 1] = ARGV[i] end
      new = new or not kept
    end
    for i = 5, #KEYS do
      local hash = call('HGET', KEYS[i], 'hash')
      if hash and hash ~= ARGV[at + 2] then taken[#taken + 1] = ARGV[at] end
      at = at + 4 + ARGV[at + 3]
    end
    if #taken > 0 then return taken end
    if new then raise(KEYS[2]) end
    for i = 3, 2 + others, 2 do call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
    at = 3 + others
    for i = 5, #KEYS do
      if call('EXISTS', KEYS[i]) == 0 then
        call('HSET', KEYS[i], unpack(ARGV, at + 4, at + 3 + ARGV[at + 3]))
        call('ZADD', KEYS[4], 0, ARGV[at + 1])
      end
      at = at + 4 + ARGV[at + 3]
    end
    ${NOTE}
    return taken`,
} as const;
