/**
 * The Lua of limits. Keys of a token, in this order: token, rate, leases,
 * holds, day, month, total.
 *
 * @module
 */

import {
  DAY_KEPT,
  LEASE_LASTS,
  MONTH_KEPT,
  PERIODS,
  SLOT,
  SLOTS,
} from "../core/limit.ts";

/** Keys per token. */
const KEYS_PER_TOKEN = 7;

/** What the scripts share. `n` is the number of the token's first key. */
const TOOLS = `
  local call = redis.call
  local function slot(now) return math.floor(now / ${SLOT}) end
  local function count(n, kind, now, by)
    call('HINCRBY', KEYS[n + 1], kind .. slot(now), by)
  end
  local function uncount(n, kind, now, by)
    if call('HEXISTS', KEYS[n + 1], kind .. slot(now)) == 1 then count(n, kind, now, 0 - by) end
  end
  local function used(n, now)
    local sum, oldest = {r = 0, t = 0}, {}
    local flat = call('HGETALL', KEYS[n + 1])
    for i = 1, #flat, 2 do
      local kind, at = string.sub(flat[i], 1, 1), tonumber(string.sub(flat[i], 2))
      if at <= slot(now) - ${SLOTS} then call('HDEL', KEYS[n + 1], flat[i])
      else
        sum[kind] = sum[kind] + flat[i + 1]
        if tonumber(flat[i + 1]) > 0 and at < (oldest[kind] or at + 1) then oldest[kind] = at end
      end
    end
    return sum, oldest
  end
  local function wait(oldest, now)
    return math.ceil(((oldest + ${SLOTS}) * ${SLOT} - now) / 1000)
  end
  local function spend(n, amount)
    call('INCRBY', KEYS[n + 4], amount)
    call('EXPIRE', KEYS[n + 4], ${DAY_KEPT})
    call('INCRBY', KEYS[n + 5], amount)
    call('EXPIRE', KEYS[n + 5], ${MONTH_KEPT})
    call('HINCRBY', KEYS[n + 6], 'spent', amount)
  end
  local function unhold(n, lease)
    local amount = call('HGET', KEYS[n + 3], lease)
    if not amount then return false end
    call('HDEL', KEYS[n + 3], lease)
    call('HINCRBY', KEYS[n + 6], 'held', 0 - amount)
    return amount
  end
  local function unspent(n, budget)
    local spent, rows = {
      day = call('GET', KEYS[n + 4]) or 0, month = call('GET', KEYS[n + 5]) or 0,
      total = call('HGET', KEYS[n + 6], 'spent') or 0
    }, {}
    for _, name in ipairs({${PERIODS.map((name) => `'${name}'`)}}) do
      if budget[name] then rows[#rows + 1] = {name, budget[name] - spent[name], 0} end
    end
    return rows
  end
  local function bury(n, now)
    for _, lease in ipairs(call('ZRANGEBYSCORE', KEYS[n + 2], '-inf', now)) do
      local amount = unhold(n, lease)
      if amount then spend(n, amount) end
      call('ZREM', KEYS[n + 2], lease)
    end
  end
  local function record(n)
    local flat, fields = call('HGETALL', KEYS[n]), {}
    for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
    return flat, fields
  end`;

/** By name. */
export const LIMIT_SCRIPTS = {
  /** KEYS: state, then a token's each. ARGV: lease or '', now, number of the only one that may take or 0, hash or '' each. Answers state, short, wait, taken, what is left, records. */
  admit: `${TOOLS}
    local state, now = call('GET', KEYS[1]), tonumber(ARGV[2])
    local left = {}
    local out = {state, '', 0, 0, left}
    local own, fields
    for i = 1, #ARGV - 3 do
      local n = 2 + (i - 1) * ${KEYS_PER_TOKEN}
      local flat, read = record(n)
      out[#out + 1] = flat
      local hash, old = '"' .. ARGV[i + 3] .. '"', read.previous
      local known = read.hash and (ARGV[i + 3] == '' or read.hash == hash)
      if not known and old then
        old = cjson.decode(old)
        known = old.hash == ARGV[i + 3] and old.expires * 1000 > now
      end
      if known then
        local other = ARGV[3] ~= '0' and ARGV[3] ~= tostring(i)
        own, fields = (own or other) and 0 or n, read
      end
    end
    if ARGV[1] == '' or not own or own == 0 then return out end
    if fields.status ~= '"active"' then return out end
    if fields.expires and not (tonumber(fields.expires) * 1000 > now) then return out end
    local rest = state and cjson.decode(state) or cjson.null
    if rest ~= cjson.null and rest.turn then rest = rest.pause or cjson.null end
    if rest ~= cjson.null and rest.from * 1000 <= now
      and not (rest['until'] and rest['until'] * 1000 <= now) then return out end
    if not fields.limits or fields.limits == '{}' then return out end
    local limits = cjson.decode(fields.limits)
    if limits.requests or limits.tokens then
      local sum, oldest = used(own, now)
      for _, name in ipairs({'tokens', 'requests'}) do
        local kind = string.sub(name, 1, 1)
        local reset = wait(oldest[kind] or slot(now), now)
        if limits[name] then
          left[#left + 1] = {name, limits[name] - sum[kind], reset}
          if sum[kind] >= limits[name] then out[2], out[3] = name, reset end
        end
      end
      if out[2] ~= '' then return out end
    end
    if limits.tokens or limits.concurrency or limits.budget then
      bury(own, now)
      if limits.concurrency then
        local free = limits.concurrency - call('ZCARD', KEYS[own + 2])
        left[#left + 1] = {'concurrency', free, 0}
        if free <= 0 then
          out[2], out[3] = 'concurrency', 1
          return out
        end
      end
      call('ZADD', KEYS[own + 2], now + ${LEASE_LASTS}, ARGV[1])
    end
    if limits.requests or limits.tokens then
      count(own, 'r', now, 1)
      call('PEXPIRE', KEYS[own + 1], ${SLOT * SLOTS})
    end
    for _, row in ipairs(left) do
      if row[1] ~= 'tokens' then row[2] = row[2] - 1 end
    end
    out[4] = 1
    return out`,
  /** KEYS: a token's. ARGV: lease, time of admission, tokens, least, most, '1' if it was counted. Answers short, wait, what is held, what is left. Without its lease a hold would never die; a lease has one. */
  reserve: `${TOOLS}
    local now, most = tonumber(ARGV[2]), tonumber(ARGV[5])
    local limits = call('HGET', KEYS[1], 'limits')
    if not limits then return {'total', 0, 0, {}} end
    limits = cjson.decode(limits)
    bury(1, now)
    if not call('ZSCORE', KEYS[3], ARGV[1]) then return {'concurrency', 0, 0, {}} end
    local short, after, left, money = '', 0, {}, {}
    if limits.tokens then
      local sum, oldest = used(1, now)
      local reset = wait(oldest.t or slot(now), now)
      left[1] = {'tokens', limits.tokens - sum.t, reset}
      if sum.t + ARGV[3] > limits.tokens and sum.t > 0 then short, after = 'tokens', reset end
    end
    local budget = limits.budget
    if budget then
      local held = tonumber(call('HGET', KEYS[7], 'held') or 0)
      money = unspent(1, budget)
      for _, row in ipairs(money) do
        row[2] = row[2] - held
        most = math.min(most, row[2])
        if row[2] < tonumber(ARGV[4]) and short == '' then short = row[1] end
        left[#left + 1] = row
      end
    end
    if short ~= '' then
      call('ZREM', KEYS[3], ARGV[1])
      unhold(1, ARGV[1])
      if ARGV[6] == '1' then uncount(1, 'r', now, 1) end
      return {short, after, 0, left}
    end
    if not budget then most = 0
    else
      if call('HSETNX', KEYS[4], ARGV[1], most) == 0 then return {'concurrency', 0, 0, {}} end
      call('HINCRBY', KEYS[7], 'held', most)
      for _, row in ipairs(money) do row[2] = row[2] - most end
    end
    if limits.tokens then
      count(1, 't', now, ARGV[3])
      left[1][2] = left[1][2] - ARGV[3]
    end
    return {'', 0, most, left}`,
  /** KEYS: a token's. ARGV: lease, time of admission, tokens held, tokens, cost, '1' if undone and counted, time of its end. A second time it does nothing. */
  settle: `${TOOLS}
    local now = tonumber(ARGV[2])
    if call('ZREM', KEYS[3], ARGV[1]) == 0 and ARGV[1] ~= '' then return 0 end
    if unhold(1, ARGV[1]) and ARGV[5] ~= '0' then spend(1, ARGV[5]) end
    if ARGV[3] ~= '0' then uncount(1, 't', now, ARGV[3]) end
    if ARGV[6] == '1' then uncount(1, 'r', now, 1) end
    if ARGV[4] ~= '0' then
      count(1, 't', tonumber(ARGV[7]), ARGV[4])
      call('PEXPIRE', KEYS[2], ${SLOT * SLOTS})
    end
    return 1`,
  /** KEYS: a token's each, then the state or nothing. ARGV: now, then number of leases and the leases each. Answers the state, then record each; with a budget what is unspent, and what each lease holds. One record that cannot be read must not blind the look at all others; Lua unpacks some 8,000 at most. */
  watch: `${TOOLS}
    local last = #KEYS - #KEYS % ${KEYS_PER_TOKEN}
    local out, at = {last < #KEYS and call('GET', KEYS[#KEYS])}, 2
    for n = 1, last, ${KEYS_PER_TOKEN} do
      local flat, fields = record(n)
      local leases = {}
      for _ = 1, ARGV[at] do
        at = at + 1
        leases[#leases + 1] = ARGV[at]
        call('ZADD', KEYS[n + 2], 'XX', ARGV[1] + ${LEASE_LASTS}, ARGV[at])
      end
      at = at + 1
      local fine, limits = pcall(cjson.decode, fields.limits or '{}')
      local budget = fine and type(limits) == 'table' and limits.budget
      local rows = budget and unspent(n, budget) or {}
      local least = false
      for _, row in ipairs(rows) do least = math.min(least or row[2], row[2]) end
      local holds = {}
      for i = 1, least and #leases or 0, 1000 do
        local some = call('HMGET', KEYS[n + 3], unpack(leases, i, math.min(i + 999, #leases)))
        for _, held in ipairs(some) do holds[#holds + 1] = held end
      end
      out[#out + 1] = {flat, least, holds}
    end
    return out`,
} as const;
