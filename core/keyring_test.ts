/** Views of a setup: what is in one, and when it is read. */

import assert from "node:assert/strict";
import type { Credential } from "./credential.ts";
import { createKeyring, type KeyringDeps, type View } from "./keyring.ts";
import type { Provider } from "./provider.ts";
import { createSeal } from "./seal.ts";
import type { Cooldown, Setup, StoredCredential } from "./setup.ts";
import { StoreUnavailable } from "./store.ts";

const KEY = "sk-canary-keyring-0123456789";
const seal = createSeal({ present: "secret-of-the-keyring-tests-0123456" });
const row = (id: string) =>
  ({ id, origin: `https://${id}.example` }) as Provider;

function credential(fields: Partial<StoredCredential> = {}): StoredCredential {
  const whose = { provider: "openai", id: "openai-main", ...fields };
  return {
    ...seal.seal(KEY, whose),
    tail: "6789",
    note: "",
    kind: "free",
    weight: 3,
    priority: 2,
    models: ["gpt-*"],
    status: "active",
    created: 1,
    createdBy: "admin",
    ...whose,
    ...fields,
  };
}

/** A keyring whose store answers `setup`, when it is let. */
function keyring(overrides: Partial<KeyringDeps> = {}) {
  let setup: Setup = {
    turn: 1,
    credentials: [],
    providers: [],
    aliases: [],
    cooldowns: [],
  };
  let held: (() => void)[] | undefined;
  let away = false;
  const faults: string[] = [];
  const seen = { reads: 0, opened: 0 };
  const learned: Cooldown[] = [];
  let time = 0;
  const made = createKeyring({
    store: {
      async readSetup() {
        seen.reads++;
        const answer = setup;
        if (held) await new Promise<void>((resolve) => held!.push(resolve));
        if (away) throw new StoreUnavailable("TimeoutError");
        return answer;
      },
    },
    pools: { openai: [{ id: "openai-1", key: "sk-env" }], gemini: [] },
    table: [row("gemini"), row("openai")],
    customProvider: ({ id, ...facts }) =>
      ({ ...row(id), ...facts }) as Provider,
    open(record) {
      seen.opened++;
      return seal.open(record);
    },
    fault: (name) => void faults.push(name),
    learn: () => (cooldowns) => void learned.push(...cooldowns),
    now: () => time,
    ...overrides,
  });
  return {
    at: made.at,
    recent: made.recent,
    view: () => made.view,
    learned,
    tick: (milliseconds: number) => void (time += milliseconds),
    faults,
    seen,
    become: (next: Partial<Setup>) => void (setup = { ...setup, ...next }),
    hold: () => void (held = []),
    release() {
      for (const resolve of held ?? []) resolve();
      held = undefined;
    },
    leave: (gone: boolean) => void (away = gone),
  };
}

const ids = (pool: readonly Credential[] | undefined) =>
  pool?.map(({ id }) => id);

Deno.test("at(0) is the environment, at once and without a look at the store", () => {
  const { at, seen } = keyring();
  const view = at(0) as View;
  assert.deepEqual(view.pools.openai, [{ id: "openai-1", key: "sk-env" }]);
  assert.deepEqual(view.pools.gemini, []);
  assert.deepEqual(view.providers.map(({ id }) => id), ["gemini", "openai"]);
  assert.equal(view.pools["constructor"], undefined);
  assert.deepEqual([view.turn, seen.reads], [0, 0]);
});

Deno.test("at() gives what is set up, behind what the environment has", async () => {
  const { at, become, faults } = keyring();
  const cooldown = { credential: "openai-1", model: "", until: 9, why: "key" };
  become({
    turn: 4,
    credentials: [
      credential({ expires: 7 }),
      credential({ id: "off", status: "disabled" }),
      credential({ id: "lab-a", provider: "lab" }),
      credential({ id: "gone-a", provider: "gone" }),
    ],
    providers: [
      { id: "lab", origin: "http://lab", models: [], priority: 0 },
      {
        id: "claudish",
        origin: "http://claudish",
        slot: "bearer",
        wire: "anthropic",
        models: [],
        priority: 0,
      },
      { id: "openai", origin: "http://evil", models: ["gpt-*"], priority: 5 },
    ],
    aliases: [{ name: "fast", to: ["lab/x", "openai/y"] }],
    cooldowns: [cooldown],
  });
  const view = await at(4);
  assert.deepEqual(view.pools.openai, [
    { id: "openai-1", key: "sk-env" },
    {
      id: "openai-main",
      key: KEY,
      kind: "free",
      weight: 3,
      priority: 2,
      models: ["gpt-*"],
      expires: 7,
    },
  ]);
  assert.deepEqual(ids(view.pools.lab), ["lab-a"]);
  assert.equal(view.pools.gone, undefined);
  const [, openai, lab, claudish] = view.providers as unknown as Record<
    string,
    unknown
  >[];
  assert.equal(openai!.origin, "https://openai.example");
  assert.deepEqual(lab, {
    id: "lab",
    origin: "http://lab",
    wire: "openai",
  });
  assert.deepEqual([claudish!.wire, claudish!.slot], ["anthropic", "bearer"]);
  assert.equal(view.providers.length, 4);
  const { models, priority } = view.offers.get("openai")!;
  assert.deepEqual([models, priority], [["gpt-*"], 5]);
  assert.deepEqual(view.aliases.get("fast"), ["lab/x", "openai/y"]);
  assert.deepEqual(view.cooling.get("openai-1"), [cooldown]);
  assert.deepEqual(faults, []);
});

Deno.test("at() is at once for the turn of the last view, and reads for every other", async () => {
  const { at, become, seen } = keyring();
  const first = await at(1);
  assert.equal(at(1), first);
  become({ turn: 2, aliases: [{ name: "a", to: ["openai/x"] }] });
  assert.equal(at(1), first);
  const second = at(2);
  assert.ok(second instanceof Promise);
  assert.equal((await second).aliases.size, 1);
  assert.equal(seen.reads, 2);
  // A turn that went back, as when a backup was put in place: read, too.
  become({ turn: 1, aliases: [] });
  assert.equal((await at(1)).aliases.size, 0);
  assert.equal(seen.reads, 3);
  assert.equal((at(0) as View).turn, 0);
  assert.equal((await at(1)).turn, 1);
});

Deno.test("at() reads once for all who wait for one turn", async () => {
  const { at, hold, release, seen } = keyring();
  hold();
  const waiting = Array.from({ length: 50 }, () => at(1));
  release();
  const views = await Promise.all(waiting);
  assert.equal(new Set(views).size, 1);
  assert.equal(seen.reads, 1);
});

Deno.test("at() does not give a view that was being read before its turn was", async () => {
  const { at, hold, release, become, seen } = keyring();
  hold();
  const early = at(1);
  become({ turn: 2, credentials: [credential()] });
  const late = [at(2), at(2)];
  release();
  assert.equal((await early).turn, 1);
  for (const view of await Promise.all(late)) {
    assert.deepEqual(ids(view.pools.openai), ["openai-1", "openai-main"]);
  }
  assert.equal(seen.reads, 2);
});

Deno.test("at() rejects while the setup cannot be read, and gives no older view", async () => {
  const { at, leave, become } = keyring();
  leave(true);
  await assert.rejects(async () => await at(1), StoreUnavailable);
  leave(false);
  assert.equal((await at(1)).turn, 1);
  leave(true);
  become({ turn: 2 });
  await assert.rejects(async () => await at(2), StoreUnavailable);
  assert.equal((at(1) as View).turn, 1);
  leave(false);
  assert.equal((await at(2)).turn, 2);
});

Deno.test("what cannot be opened is not used, and faulted once by name; so is one whose id the environment has", async () => {
  const { at, become, faults } = keyring();
  const moved = { ...credential(), id: "moved" };
  const clash = credential({ id: "openai-1" });
  become({ credentials: [moved, clash, credential()] });
  const view = await at(1);
  assert.deepEqual(ids(view.pools.openai), ["openai-1", "openai-main"]);
  assert.equal(view.pools.openai![0]!.key, "sk-env");
  become({ turn: 2 });
  await at(2);
  assert.deepEqual(faults, ["credential moved", "credential openai-1"]);
  become({ turn: 3, credentials: [{ ...moved, weight: 9 }] });
  await at(3);
  assert.equal(faults.length, 3);
});

Deno.test("a provider whose row cannot be made takes no other with it", async () => {
  const { at, become, faults } = keyring({
    customProvider(custom) {
      if (custom.id === "bad") throw new TypeError("no origin");
      return row(custom.id);
    },
  });
  const providers = ["bad", "lab"].map((id) => (
    { id, origin: "x", models: [], priority: 0 }
  ));
  become({ providers });
  const view = await at(1);
  assert.deepEqual(view.providers.map(({ id }) => id), [
    "gemini",
    "openai",
    "lab",
  ]);
  assert.deepEqual(faults, ["provider bad"]);
});

Deno.test("what did not change is the same object in the next view, and is not opened again", async () => {
  const { at, become, seen } = keyring();
  const providers = [{ id: "lab", origin: "x", models: [], priority: 0 }];
  const kept = credential();
  become({ credentials: [kept, credential({ id: "b" })], providers });
  const first = await at(1);
  become({ turn: 2, credentials: [credential({ id: "c" }), { ...kept }] });
  const second = await at(2);
  assert.deepEqual(ids(second.pools.openai), ["openai-1", "c", "openai-main"]);
  assert.equal(second.pools.openai![2], first.pools.openai![1]);
  assert.equal(second.providers[2], first.providers[2]);
  assert.equal(seen.opened, 3);
});
