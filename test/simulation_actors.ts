/** Those who do something: holders, the owner, providers whose keys change, and chance, which ends instances and sets clocks. */

import type { Limits } from "../core/limit.ts";
import type { StoredCredential } from "../core/setup.ts";
import type { AuditEntry, Store, TokenRecord } from "../core/store.ts";
import { hashToken, mintToken } from "../core/token.ts";
import { UNGUARDED } from "./classes.ts";
import type { Instance } from "./simulation_instance.ts";
import type { Call, Laws } from "./simulation_laws.ts";
import { type Mood, type Origin, worstOf } from "./simulation_origin.ts";
import { NOBODY, type World } from "./simulation_world.ts";

/** The environment's keys. */
export const KEYS = ["openai-1", "openai-2"];
/** What the owner adds. */
export const SPARES = ["spare-a", "spare-b"];
/** A key's own text. */
export const keyOf = (id: string) => `sk-${id}`;
const MODELS = ["gpt-a", "gpt-b"];
/** Shares of each deed: of all, of what pools of keys live through, of what tokens do. */
const STORIES = {
  all: {
    ...{ request: 68, token: 8, limits: 5, pause: 2, credential: 5, mood: 7 },
    ...{ weather: 2, crash: 2, clock: 1 },
  },
  pools: {
    ...{ request: 60, token: 1, limits: 0, pause: 0, credential: 15, mood: 20 },
    ...{ weather: 1, crash: 2, clock: 1 },
  },
  tokens: {
    ...{ request: 65, token: 20, limits: 8, pause: 4, credential: 0, mood: 0 },
    ...{ weather: 1, crash: 1, clock: 1 },
  },
} as const;
type Deed = keyof typeof STORIES.all;

/** What a token's owner and holder know of it. */
interface Holding {
  readonly id: string;
  /** The token; those it was before. */
  values: string[];
}

export type Cast = ReturnType<typeof createCast>;

export function createCast(
  world: World,
  { laws, origin, owner, instances, weather, stepped, start }: {
    laws: Laws;
    origin: Origin;
    /** The store as the owner's own instance reaches it. */
    owner: Store;
    instances: Instance[];
    weather: { away: boolean; losses: number; delay: number };
    stepped: boolean;
    start: () => void;
  },
) {
  const { random } = world;
  const story = random.weighed({ all: 3, pools: 1, tokens: 1 });
  const holdings: Holding[] = [];
  const stored = new Map<string, StoredCredential>();
  const seconds = () => Math.floor(world.now() / 1000);
  const entry = (action: string): AuditEntry => ({
    time: seconds(),
    by: "admin",
    action,
  });
  /** What the owner asks for; a store that is away is no fault of his. */
  const tell = (what: string, work: Promise<unknown>) => {
    world.note(() => `owner: ${what}`);
    work.catch(() => {});
  };

  function limits(): Limits {
    const some = (share: number) => story !== "pools" && random.chance(share);
    const budget = {
      ...(some(0.7) && { total: worstOf(1) + random.below(1_500) }),
      ...(some(0.3) && { day: worstOf(1) + random.below(1_000) }),
      ...(some(0.1) && { month: worstOf(1) + random.below(2_000) }),
    };
    return {
      ...(some(0.3) && { requests: 2 + random.below(8) }),
      ...(some(0.3) && { tokens: 10 + random.below(250) }),
      ...(some(0.4) && { concurrency: 1 + random.below(3) }),
      ...(some(0.5) && Object.keys(budget).length > 0 && { budget }),
    };
  }

  function mint() {
    const value = mintToken();
    const id = value.slice(4, 12);
    const record: TokenRecord = {
      ...{ id, hash: hashToken(value), last4: value.slice(-4) },
      ...{ label: "t", note: "", providers: ["openai"], models: [] },
      endpoints: UNGUARDED as TokenRecord["endpoints"],
      ...{ addresses: [], limits: limits(), isolated: false },
      abort: random.chance(0.3) ? "drain" : "cancel",
      exactUsage: random.chance(0.3),
      clamp: random.chance(0.3),
      ...(random.chance(0.1) && { expires: seconds() + random.below(90) }),
      ...{ status: "active", created: seconds(), createdBy: "admin" },
    };
    holdings.push({ id, values: [value] });
    tell(
      `mints ${id} ${JSON.stringify(record.limits)}`,
      owner.createToken(record, entry("token.create")),
    );
  }

  function changeToken() {
    const holding = random.pick(holdings);
    const { id } = holding;
    const status = (status: "active" | "disabled") =>
      tell(
        `${status} ${id}`,
        owner.editToken(id, { status }, entry("token.edit")),
      );
    switch (
      random.weighed({
        mint: 3,
        disable: 2,
        enable: 6,
        rotate: 3,
        remove: 1,
        expires: 1,
      })
    ) {
      case "mint":
        return mint();
      case "disable":
        return status("disabled");
      case "enable":
        return status("active");
      case "remove":
        return tell(
          `deletes ${id}`,
          owner.deleteToken(id, entry("token.delete")),
        );
      case "expires": {
        const expires = random.chance(0.5)
          ? null
          : seconds() + random.below(20);
        return tell(
          `${id} expires ${expires}`,
          owner.editToken(id, { expires }, entry("token.edit")),
        );
      }
      case "rotate": {
        const value = mintToken(id);
        holding.values = [value, ...holding.values].slice(0, 3);
        const graceEnds = seconds() + random.pick([0, 1, 5, 30]);
        const next = {
          hash: hashToken(value),
          last4: value.slice(-4),
          graceEnds,
        };
        return tell(
          `rotates ${id}`,
          owner.rotateToken(id, next, entry("token.rotate")),
        );
      }
    }
  }

  function pause() {
    const from = seconds() + random.pick([0, 0, 2]);
    const until = random.chance(0.8) && { until: from + random.below(8) };
    const next = random.chance(0.4) ? { from, ...until } : undefined;
    tell(
      `pauses ${JSON.stringify(next)}`,
      owner.setPause(next, entry("pause")),
    );
  }

  function changeCredential() {
    const id = random.pick(SPARES);
    if (random.chance(0.25)) {
      const all = [id, ...KEYS];
      return tell(`warms ${all}`, owner.warm(all, entry("credential.warm")));
    }
    const was = stored.get(id);
    const next: StoredCredential | undefined = random.chance(0.3)
      ? undefined
      : {
        ...{ id, provider: "openai", sealed: id, sealedBy: "k", tail: "" },
        ...{ note: `${world.steps}`, kind: "paid", weight: 1 },
        ...{ priority: random.below(2), models: [] },
        status: random.chance(0.6) ? "active" : "disabled",
        ...{ created: 0, createdBy: "admin" },
      };
    const change = { kind: "credential", id, was, next } as const;
    const put = owner.putSetup(change, entry("credential.put"));
    tell(`puts ${id} ${next?.status ?? "away"}`, put);
    // Whether a lost one was done, the next reading tells.
    const known = (done: boolean) => {
      if (!done) return;
      if (next) stored.set(id, next);
      else stored.delete(id);
    };
    put.then(
      known,
      () =>
        tell(
          "reads",
          owner.readSetup().then(({ credentials }) => {
            const there = credentials.find((credential) =>
              credential.id === id
            );
            if (there) stored.set(id, there);
            else stored.delete(id);
          }),
        ),
    );
  }

  function request() {
    const alive = instances.filter(({ who }) => !laws.isDead(who));
    if (alive.length === 0 || holdings.length === 0) return;
    const { id, values } = random.pick(holdings);
    const value = random.chance(0.85) ? values[0]! : random.pick(values);
    const instance = random.pick(alive);
    const facts = {
      ...{ who: instance.who, token: id, hash: hashToken(value) },
      method: random.chance(0.2) ? "GET" : "POST",
      model: random.pick(MODELS),
      ...{ failed: false, body: "" },
    } as const;
    const leaves = random.chance(0.15) ? random.below(8_000) : undefined;
    world.after(0, instance.who, () => {
      const call: Call = { ...facts, number: laws.calls.length, visits: [] };
      send(call, { instance, value, leaves });
    });
  }

  function send(
    call: Call,
    { instance, value, leaves }: {
      instance: Instance;
      value: string;
      leaves: number | undefined;
    },
  ) {
    const { method, model, number } = call;
    const post = method === "POST";
    const stream = random.chance(0.5);
    call.streams = post && stream;
    call.asksUsage = stream && random.chance(0.4);
    const body = JSON.stringify({
      model,
      max_tokens: 1 + random.below(60),
      stream,
      ...(call.asksUsage && { stream_options: { include_usage: true } }),
      messages: [{ role: "user", content: `${number}` }],
    });
    const leaving = new AbortController();
    const target = post ? "/v1/chat/completions" : `/v1/models/${model}`;
    laws.began(call);
    world.note(() =>
      `request ${number} (${call.token} at ${call.who}) ${method}`
    );
    const asked = new Request(`http://gw/openai${target}`, {
      method,
      headers: {
        authorization: `Bearer ${value}`,
        "x-call": `${number}`,
        ...(post && {
          "content-type": "application/json",
          "content-length": `${body.length}`,
        }),
      },
      ...(post && { body }),
      signal: leaving.signal,
    });
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    const read = async () => {
      const response = await instance.fetch(asked);
      call.status = response.status;
      reader = response.body?.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const part = await reader?.read();
        if (part?.value) call.body += decoder.decode(part.value);
        if (!part || part.done) return;
      }
    };
    read().then(() => call.end ??= "complete", () => call.end ??= "broken")
      .then(() => laws.ended(call));
    if (leaves === undefined) return;
    world.after(leaves, call.who, () => {
      if (call.end) return;
      call.end = "left";
      world.note(() => `request ${number} leaves`);
      leaving.abort();
      reader?.cancel().catch(() => {});
      laws.left(call);
    });
  }

  function change(name: Deed) {
    switch (name) {
      case "request":
        return request();
      case "token":
        return changeToken();
      case "limits": {
        const { id } = random.pick(holdings);
        const next = limits();
        return tell(
          `limits ${id} ${JSON.stringify(next)}`,
          owner.editToken(id, { limits: next }, entry("token.edit")),
        );
      }
      case "pause":
        return pause();
      case "credential":
        return changeCredential();
      case "mood": {
        const mood = random.weighed<Mood>({
          serves: 4,
          refuses: 2,
          poor: 1,
          spent: 2,
          resting: 2,
        });
        const key = random.pick([...KEYS, ...SPARES]);
        world.note(() => `${key} ${mood} from now on`);
        return origin.setMood(key, mood);
      }
      case "weather": {
        weather.away = true;
        world.note(() => "the store is away");
        const back = () => {
          weather.away = false;
          world.note(() => "the store is back");
        };
        return void world.after(
          random.below(random.chance(0.3) ? 20_000 : 3_000),
          NOBODY,
          back,
        );
      }
      case "crash":
        return crash();
      case "clock": {
        if (!stepped) return;
        const by = (random.below(241) - 120) * 1_000;
        const { who } = random.pick(instances);
        world.note(() => `the clock of ${who} goes ${by}`);
        return world.setClock(who, by);
      }
    }
  }

  /** An instance is gone, and another in its place. */
  function crash() {
    const alive = instances.filter(({ who }) => !laws.isDead(who));
    const { who } = random.pick(alive);
    world.note(() => `${who} is killed`);
    laws.died(who);
    world.lose(who);
    for (const call of laws.calls) {
      if (call.who === who) call.end ??= "broken";
    }
    start();
  }

  return {
    mint,
    /** One deed, and how long until the next one, milliseconds. */
    act(): number {
      change(random.weighed<Deed>(STORIES[story]));
      switch (random.weighed({ soon: 60, then: 30, later: 9, long: 1 })) {
        case "soon":
          return random.below(50);
        case "then":
          return random.below(1_500);
        case "later":
          return random.below(8_000);
        default:
          return random.below(70_000);
      }
    },
  };
}
