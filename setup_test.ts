/** The specification of what the owner sets up at run time: credentials, providers, aliases, and the table that carries them elsewhere. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AppDeps } from "./app.ts";
import { createKeyring } from "./core/keyring.ts";
import type { Provider } from "./core/provider.ts";
import { createSeal } from "./core/seal.ts";
import type { Store } from "./core/store.ts";
import { PROVIDERS } from "./providers/mod.ts";
import { sqliteStore } from "./store/sqlite.ts";
import { upstashStore } from "./store/upstash.ts";
import { keepSecret } from "./test/evidence.ts";
import {
  type Gateway,
  gateway,
  KEYS,
  law,
  SEAL_SECRET,
  START,
} from "./test/gateway.ts";
import { redisInstalled, startUpstash } from "./test/redis.ts";

const KEY = "sk-canary-setup-1f0c7d52b9e8wxyz";
const OTHER = "sk-canary-other-90ab41c2d7e6pqrs";
for (const key of [KEY, OTHER]) keepSecret(key);
const NOW = START / 1000;

type Row = Record<string, unknown>;

/** The owner's calls, answers parsed; and every text he was given. */
function owner({ admin }: Pick<Gateway, "admin">) {
  const texts: string[] = [];
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await admin(method, path, body);
    const text = await answer.text();
    texts.push(text);
    return { status: answer.status, body: (text && JSON.parse(text)) as Row };
  };
  /** What is answered where all is well. */
  const ok = async (method: string, path: string, body?: unknown) => {
    const { status, body: answer } = await call(method, path, body);
    assert.ok(status < 300, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return { call, ok, texts };
}

/** The keys that requests would go out with. */
async function keysOf(
  { store }: { store: Store },
  { open } = createSeal({ present: SEAL_SECRET }),
) {
  const { at } = createKeyring({
    store,
    pools: KEYS,
    table: PROVIDERS,
    customProvider: (custom) => custom as unknown as Provider,
    open,
    learn: () => () => {},
    now: () => START,
    fault() {},
  });
  const { pools } = await at((await store.admit([])).turn);
  return (provider: string) => pools[provider]?.map(({ id, key }) => [id, key]);
}

/** A law that holds on either store. */
function onBoth(name: string, body: (store: Store) => Promise<void>) {
  Deno.test(`${name}, on SQLite`, async () => {
    const store = sqliteStore(new DatabaseSync(":memory:"), () => START);
    await body(store);
    store.close();
  });
  if (!redisInstalled()) return;
  Deno.test(`${name}, on Redis`, async () => {
    const upstash = await startUpstash();
    const now = () => START;
    await body(upstashStore({ ...upstash, timeout: 10_000, now }));
    await upstash.close();
  });
}

/** A doppel on a store that others use, too. */
function onStore(store: Store, overrides: Partial<AppDeps> = {}) {
  // Redis looks at its own clock, and forgets nonces of a time that is past.
  const shared = Object.assign(Object.create(store) as Store, store, {
    takeNonce: () => Promise.resolve(true),
  });
  const behind = gateway({ store: shared, ...overrides });
  behind.store.close();
  return behind;
}

const whole = { provider: "openai", key: KEY, id: "openai-main" };
const shownWhole = {
  id: "openai-main",
  provider: "openai",
  source: "stored",
  tail: "wxyz",
  note: "",
  kind: "paid",
  weight: 1,
  priority: 0,
  models: [],
  status: "active",
  expires: null,
  created: "2026-11-20T12:00:00Z",
  createdBy: "admin",
  sealedBy: createSeal({ present: SEAL_SECRET }).by,
  cooling: [],
};

law("a key is kept, used, listed masked, and never shown", async (behind) => {
  const { call, ok, texts } = owner(behind);
  const made = await call("POST", "/admin/credentials", whole);
  assert.deepEqual([made.status, made.body], [201, shownWhole]);
  assert.deepEqual(
    await ok("GET", "/admin/credentials/openai-main"),
    shownWhole,
  );
  const { credentials } = await ok("GET", "/admin/credentials") as {
    credentials: Row[];
  };
  assert.equal(credentials.length, Object.values(KEYS).flat().length + 1);
  assert.deepEqual(credentials.find(({ id }) => id === "openai-1"), {
    ...shownWhole,
    id: "openai-1",
    source: "environment",
    tail: "",
    created: null,
    createdBy: null,
    sealedBy: null,
  });
  assert.deepEqual(credentials.at(-1), shownWhole);
  assert.deepEqual((await keysOf(behind))("openai"), [
    ["openai-1", "sk-o"],
    ["openai-main", KEY],
  ]);
  assert.equal(
    (await call("DELETE", "/admin/credentials/openai-main")).status,
    204,
  );
  assert.deepEqual((await keysOf(behind))("openai"), [["openai-1", "sk-o"]]);
  await ok("GET", "/admin/audit");
  assert.ok(!texts.join().includes("canary"));
});

law(
  "a credential without a name gets its provider's, and 8 characters",
  async (behind) => {
    const { ok } = owner(behind);
    const { id: _, ...unnamed } = whole;
    const { id } = await ok("POST", "/admin/credentials", unnamed);
    assert.match(`${id}`, /^openai-[0-9A-Za-z]{8}$/);
    assert.equal((await ok("GET", `/admin/credentials/${id}`)).id, id);
  },
);

law(
  "the environment's keys are shown masked, and cannot be changed",
  async (behind) => {
    const { call, ok } = owner(behind);
    const long = "sk-canary-environment-0123456789";
    const pools = { openai: [{ id: "openai-1", key: long }] };
    const other = owner(onStore(behind.store, { pools }));
    assert.equal(
      (await other.ok("GET", "/admin/credentials/openai-1")).tail,
      "6789",
    );
    assert.ok(!other.texts.join().includes("canary"));
    const path = "/admin/credentials/openai-1";
    assert.equal((await ok("GET", path)).source, "environment");
    for (
      const [method, body] of [["PUT", { weight: 2 }], ["DELETE"]] as const
    ) {
      const { status, body: problem } = await call(method, path, body);
      assert.equal(status, 409);
      assert.match(`${problem.title}`, /^openai-1 comes from the environment/);
    }
  },
);

law(
  "PUT lays over what is there: absent stays, null goes back to what is usual",
  async (behind) => {
    const { ok } = owner(behind);
    const path = "/admin/credentials/openai-main";
    const full = {
      note: "of the lab",
      kind: "free",
      weight: 7,
      priority: 3,
      models: ["gpt-*"],
      status: "disabled",
      expires: "2027-01-01T02:00:00+02:00",
    };
    const expires = "2027-01-01T00:00:00Z";
    const { id: _, ...unnamed } = whole;
    assert.deepEqual(await ok("PUT", path, { ...unnamed, ...full }), {
      ...shownWhole,
      ...full,
      expires,
    });
    let expected: Row = { ...shownWhole, ...full, expires };
    for (
      const [name, value] of Object.entries({ ...full, weight: 9, note: "" })
    ) {
      expected = { ...expected, [name]: name === "expires" ? expires : value };
      assert.deepEqual(
        await ok("PUT", path, { [name]: value }),
        expected,
        name,
      );
    }
    for (const name of Object.keys(full)) {
      expected = { ...expected, [name]: shownWhole[name as keyof typeof full] };
      assert.deepEqual(await ok("PUT", path, { [name]: null }), expected, name);
    }
    assert.deepEqual((await keysOf(behind))("openai")!.at(-1), [
      "openai-main",
      KEY,
    ]);
    assert.equal(
      (await ok("PUT", path, { key: OTHER, weight: 2 })).tail,
      "pqrs",
    );
    assert.deepEqual((await keysOf(behind))("openai")!.at(-1), [
      "openai-main",
      OTHER,
    ]);
  },
);

law("a disabled credential is not used", async (behind) => {
  const { ok } = owner(behind);
  await ok("POST", "/admin/credentials", { ...whole, status: "disabled" });
  assert.equal((await keysOf(behind))("openai")!.length, 1);
});

const PATH = "/admin/credentials";
const wrong: [method: string, path: string, body: unknown, field: string][] = [
  ["POST", PATH, {}, "/provider"],
  ["POST", PATH, { provider: "openai" }, "/key"],
  ["POST", PATH, { ...whole, provider: "nobody" }, "/provider"],
  ["POST", PATH, { ...whole, provider: 7 }, "/provider"],
  ["POST", PATH, { ...whole, key: "" }, "/key"],
  ["POST", PATH, { ...whole, key: "sk canary" }, "/key"],
  ["POST", PATH, { ...whole, key: null }, "/key"],
  ["POST", PATH, { ...whole, key: 7 }, "/key"],
  ["POST", PATH, { ...whole, id: "Main" }, "/id"],
  ["POST", PATH, { ...whole, id: "-main" }, "/id"],
  ["POST", PATH, { ...whole, id: "a" }, "/id"],
  ["POST", PATH, { ...whole, id: "a".repeat(42) }, "/id"],
  ["POST", PATH, { ...whole, id: "openai-1" }, "/id"],
  ["POST", PATH, { ...whole, id: "gemini-77" }, "/id"],
  ["POST", PATH, { ...whole, id: "gemini-minted" }, "/id"],
  ["POST", PATH, { ...whole, secret: "x" }, "/secret"],
  ["PUT", `${PATH}/kept`, {}, "/"],
  ["PUT", `${PATH}/kept`, { key: null }, "/key"],
  ["PUT", `${PATH}/kept`, { provider: null }, "/provider"],
  ["PUT", `${PATH}/kept`, { provider: "gemini" }, "/provider"],
  ["PUT", `${PATH}/kept`, { id: "other" }, "/id"],
  ["PUT", `${PATH}/kept`, { weight: 0 }, "/weight"],
  ["PUT", `${PATH}/kept`, { weight: 1001 }, "/weight"],
  ["PUT", `${PATH}/kept`, { weight: 1.5 }, "/weight"],
  ["PUT", `${PATH}/kept`, { weight: "2" }, "/weight"],
  ["PUT", `${PATH}/kept`, { priority: -1 }, "/priority"],
  ["PUT", `${PATH}/kept`, { priority: 100 }, "/priority"],
  ["PUT", `${PATH}/kept`, { kind: "premium" }, "/kind"],
  ["PUT", `${PATH}/kept`, { models: "gpt-*" }, "/models"],
  ["PUT", `${PATH}/kept`, { models: ["a", ""] }, "/models/1"],
  ["PUT", `${PATH}/kept`, { status: "unreadable" }, "/status"],
  ["PUT", `${PATH}/kept`, { expires: "tomorrow" }, "/expires"],
  ["PUT", `${PATH}/kept`, { note: "new", weight: 0 }, "/weight"],
  ["PUT", `${PATH}/new`, { weight: 2 }, "/provider"],
  ["PUT", `${PATH}/new`, { provider: "openai" }, "/key"],
  ["PUT", `${PATH}/openai-9`, { provider: "openai", key: KEY }, "/id"],
  ["PUT", `${PATH}/New`, { provider: "openai", key: KEY }, "/id"],
  ["PUT", "/admin/providers/openai", { origin: "https://x" }, "/origin"],
  ["PUT", "/admin/providers/openai", { slot: "bearer" }, "/slot"],
  ["PUT", "/admin/providers/openai", { wire: null }, "/wire"],
  ["PUT", "/admin/providers/openai", { priority: "0" }, "/priority"],
  ["PUT", "/admin/providers/openai", { models: [7] }, "/models/0"],
  ["PUT", "/admin/providers/new", { models: [] }, "/origin"],
  ["PUT", "/admin/providers/new", { origin: "new.example" }, "/origin"],
  ["PUT", "/admin/providers/new", { origin: "ftp://x" }, "/origin"],
  ["PUT", "/admin/providers/new", { origin: "https://u:p@x" }, "/origin"],
  ["PUT", "/admin/providers/new", { origin: "https://x?key=y" }, "/origin"],
  ["PUT", "/admin/providers/new", { origin: null }, "/origin"],
  ["PUT", "/admin/providers/lab", { slot: "cookie" }, "/slot"],
  ["PUT", "/admin/providers/lab", { wire: "soap" }, "/wire"],
  ["PUT", "/admin/providers/lab", {}, "/"],
  ...["v1", "admin", "hop", "proxy", "constructor", "Lab", "1a", "a".repeat(32)]
    .map((id): [string, string, unknown, string] => [
      "PUT",
      `/admin/providers/${id}`,
      { origin: "https://x" },
      "/id",
    ]),
  ["PUT", "/admin/aliases/fast", {}, "/to"],
  ["PUT", "/admin/aliases/fast", { to: [] }, "/to"],
  ["PUT", "/admin/aliases/fast", { to: ["gpt-x"] }, "/to/0"],
  ["PUT", "/admin/aliases/fast", { to: ["lab/x", "nobody/x"] }, "/to/1"],
  ["PUT", "/admin/aliases/fast", { to: ["lab/x", "lab/x"] }, "/to"],
  ["PUT", "/admin/aliases/fast", { to: null }, "/to"],
  ["PUT", "/admin/aliases/a%2Fb", { to: ["lab/x"] }, "/name"],
  [
    "POST",
    "/admin/tokens",
    { label: "x", providers: ["lab", "no"] },
    "/providers/1",
  ],
  ["POST", "/admin/tokens", { label: "x", providers: ["No"] }, "/providers/0"],
];

law(
  "bad input names its field, repeats no value, and changes nothing",
  async (behind) => {
    const { call, ok, texts } = owner(behind);
    await ok("POST", PATH, { ...whole, id: "kept", note: "kept" });
    await ok("PUT", "/admin/providers/lab", { origin: "https://lab.example" });
    await ok("PUT", "/admin/aliases/slow", { to: ["lab/x"] });
    const before = await behind.store.readSetup();
    for (const [method, path, body, field] of wrong) {
      const where = `${method} ${path} ${JSON.stringify(body)}`;
      const { status, body: problem } = await call(method, path, body);
      assert.equal(status, 400, where);
      assert.equal(problem.field, field, `${where}: ${problem.title}`);
    }
    assert.deepEqual(await behind.store.readSetup(), before);
    assert.ok(!texts.join().includes("canary"));
  },
);

law(
  "what is not there is 404, and what is there already 409",
  async (behind) => {
    const { call, ok } = owner(behind);
    await ok("POST", PATH, whole);
    for (
      const [method, path] of [
        ["GET", `${PATH}/nobody`],
        ["DELETE", `${PATH}/nobody`],
        ["POST", `${PATH}/nobody/warm`],
        ["GET", "/admin/providers/nobody"],
        ["DELETE", "/admin/providers/nobody"],
        ["DELETE", "/admin/providers/openai"],
        ["GET", "/admin/aliases/nobody"],
        ["DELETE", "/admin/aliases/nobody"],
        ["GET", `${PATH}/nobody/check`],
      ] as const
    ) {
      assert.equal((await call(method, path)).status, 404, path);
    }
    const again = { ...whole, key: OTHER };
    const { status, body } = await call("POST", PATH, again);
    assert.deepEqual([status, body.field], [409, "/id"]);
    assert.deepEqual((await keysOf(behind))("openai")!.at(-1), [
      "openai-main",
      KEY,
    ]);
  },
);

law("one key is not kept twice for one provider", async (behind) => {
  const { call, ok } = owner(behind);
  await ok("POST", PATH, whole);
  await ok("POST", PATH, { ...whole, id: "openai-b", key: OTHER });
  for (
    const [method, path, body] of [
      ["POST", PATH, { ...whole, id: "openai-c" }],
      ["PUT", `${PATH}/openai-b`, { key: KEY, weight: 9 }],
    ] as const
  ) {
    const { status, body: problem } = await call(method, path, body);
    assert.deepEqual([status, problem.field], [409, "/key"]);
    assert.match(`${problem.title}`, /as openai-main\.$/);
  }
  assert.equal((await ok("GET", `${PATH}/openai-b`)).weight, 1);
  await ok("PUT", `${PATH}/openai-main`, { key: KEY });
  await ok("POST", PATH, { provider: "gemini", key: KEY });
});

law(
  "without SEAL_SECRET no key is kept, and the problem names it; all else goes",
  async (behind) => {
    const { call, ok } = owner(behind);
    for (const [path, body] of [[PATH, whole], [`${PATH}/rotate`]] as const) {
      const { status, body: problem } = await call("POST", path, body);
      assert.equal(status, 409);
      assert.match(`${problem.title}`, /SEAL_SECRET.*openssl rand -hex 32/);
    }
    await ok("GET", PATH);
    await ok("PUT", "/admin/providers/lab", { origin: "https://lab.example" });
    assert.deepEqual((await behind.store.readSetup()).credentials, []);
  },
  { seal: createSeal({}) },
);

onBoth(
  "every key is sealed anew under the present secret, and the old one is then not needed",
  async (store) => {
    const [old, next] = ["o".repeat(32), "n".repeat(32)];
    const before = owner(
      onStore(store, { seal: createSeal({ present: old }) }),
    );
    const foreign = createSeal({ present: "f".repeat(32) });
    await before.ok("POST", PATH, whole);
    await before.ok("POST", PATH, {
      provider: "gemini",
      key: OTHER,
      id: "g-b",
    });
    await owner(onStore(store, { seal: foreign }))
      .ok("POST", PATH, {
        provider: "openai",
        key: "sk-foreign",
        id: "openai-f",
      });
    const both = createSeal({ present: next, previous: old });
    const during = owner(onStore(store, { seal: both }));
    await during.ok("POST", PATH, {
      provider: "openai",
      key: "sk-new",
      id: "o-n",
    });
    const told = { resealed: 2, current: 1, unreadable: ["openai-f"] };
    assert.deepEqual(await during.ok("POST", `${PATH}/rotate`), told);
    const seal = createSeal({ present: next });
    const after = owner(onStore(store, { seal }));
    assert.deepEqual(await after.ok("POST", `${PATH}/rotate`), {
      ...told,
      resealed: 0,
      current: 3,
    });
    const keys = await keysOf({ store }, seal);
    assert.deepEqual(keys("openai"), [
      ["openai-1", "sk-o"],
      ["o-n", "sk-new"],
      ["openai-main", KEY],
    ]);
    assert.deepEqual(keys("gemini"), [["gemini-1", "g-1"], ["g-b", OTHER]]);
    const { credentials } = await after.ok("GET", PATH) as {
      credentials: Row[];
    };
    const statuses = credentials.filter(({ source }) => source === "stored")
      .map(({ id, status }) => [id, status]);
    assert.deepEqual(statuses, [
      ["g-b", "active"],
      ["o-n", "active"],
      ["openai-f", "unreadable"],
      ["openai-main", "active"],
    ]);
    // Whoever still has the key makes it good again.
    const mended = await after.ok("PUT", `${PATH}/openai-f`, {
      key: "sk-foreign",
    });
    assert.equal(mended.status, "active");
  },
);

law(
  "cooldowns are shown with their end and why, and warm ends them",
  async (behind) => {
    const { ok } = owner(behind);
    await ok("POST", PATH, whole);
    const why = "quota";
    const cool = (credential: string, model: string) =>
      behind.store.cool([{
        credential,
        model,
        until: NOW + 60,
        why,
        status: 402,
      }], NOW);
    await cool("openai-main", "");
    await cool("openai-main", "gpt-x");
    await cool("openai-1", "gpt-x");
    const until = "2026-11-20T12:01:00Z";
    const shown = { until, why, status: 402 };
    const { cooling } = await ok("GET", `${PATH}/openai-main`);
    assert.deepEqual(cooling, [
      { model: null, ...shown },
      { model: "gpt-x", ...shown },
    ]);
    const own = await ok("GET", `${PATH}/openai-1`);
    assert.deepEqual(own.cooling, [{ model: "gpt-x", ...shown }]);
    assert.deepEqual(await ok("POST", `${PATH}/openai-main/warm`), {
      ended: 2,
    });
    assert.deepEqual(await ok("POST", `${PATH}/openai-1/warm`), { ended: 1 });
    assert.deepEqual((await behind.store.readSetup()).cooldowns, []);
    await cool("openai-main", "");
    await ok("PUT", `${PATH}/openai-main`, { weight: 2 });
    assert.equal((await behind.store.readSetup()).cooldowns.length, 1);
    await ok("PUT", `${PATH}/openai-main`, { key: OTHER });
    assert.equal((await behind.store.readSetup()).cooldowns.length, 0);
    await cool("openai-main", "");
    await ok("DELETE", `${PATH}/openai-main`);
    await ok("POST", PATH, whole);
    assert.deepEqual((await ok("GET", `${PATH}/openai-main`)).cooling, []);
  },
);

law(
  "a provider is added, changed and deleted; a token may be for it",
  async (behind) => {
    const { call, ok } = owner(behind);
    const path = "/admin/providers/lab";
    const lab = {
      id: "lab",
      source: "stored",
      origin: "https://lab.example/v1",
      wire: "openai",
      models: [],
      priority: 0,
      credentials: [],
      region: { mode: "direct" },
    };
    const scoped = { label: "x", providers: ["lab"] };
    assert.equal((await call("POST", "/admin/tokens", scoped)).status, 400);
    assert.deepEqual(
      await ok("PUT", path, { origin: "https://lab.example/v1/" }),
      lab,
    );
    const { id } = await ok("POST", "/admin/tokens", scoped);
    await ok("PATCH", `/admin/tokens/${id}`, { providers: ["openai", "lab"] });
    const anthropic = { wire: "anthropic", models: ["m*"], slot: "bearer" };
    assert.deepEqual(await ok("PUT", path, anthropic), {
      ...lab,
      ...anthropic,
    });
    const usual = { wire: null, models: null, slot: null, priority: 4 };
    assert.deepEqual(await ok("PUT", path, usual), {
      ...lab,
      priority: 4,
    });
    await ok("POST", PATH, { provider: "lab", key: KEY, id: "lab-a" });
    await ok("PUT", "/admin/aliases/fast", { to: ["lab/x"] });
    const { providers } = await ok("GET", "/admin/providers") as {
      providers: Row[];
    };
    assert.deepEqual(providers.at(-1), {
      ...lab,
      priority: 4,
      credentials: ["lab-a"],
    });
    const needed = await call("DELETE", path);
    assert.equal(needed.status, 409);
    assert.match(`${needed.body.title}`, /lab-a, fast/);
    await ok("DELETE", `${PATH}/lab-a`);
    await ok("DELETE", "/admin/aliases/fast");
    await ok("DELETE", path);
    assert.equal((await call("GET", path)).status, 404);
  },
);

law(
  "of a provider in the table the owner says what it is asked for",
  async (behind) => {
    const { ok } = owner(behind);
    const path = "/admin/providers/openai";
    const usual = await ok("GET", path);
    const said = { models: ["gpt-*"], priority: 2 };
    assert.deepEqual(await ok("PUT", path, said), { ...usual, ...said });
    assert.deepEqual(await ok("PUT", path, { models: null }), {
      ...usual,
      priority: 2,
    });
    await ok("POST", PATH, whole);
    await ok("DELETE", path);
    assert.deepEqual(await ok("GET", path), {
      ...usual,
      credentials: ["openai-1", "openai-main"],
    });
  },
);

law(
  "an alias names models in their order, and is replaced whole",
  async (behind) => {
    const { ok } = owner(behind);
    const to = ["openai/gpt-x", "gemini/models/x:y"];
    const path = "/admin/aliases/fast.v1:x";
    assert.deepEqual(await ok("PUT", path, { to }), { name: "fast.v1:x", to });
    const next = { name: "fast.v1:x", to: to.toReversed() };
    assert.deepEqual(await ok("PUT", path, { to: next.to }), next);
    assert.deepEqual(await ok("GET", path), next);
    assert.deepEqual(await ok("GET", "/admin/aliases"), { aliases: [next] });
    await ok("DELETE", path);
    assert.deepEqual(await ok("GET", "/admin/aliases"), { aliases: [] });
  },
);

law(
  "the audit log says what was done to what, with no key in it",
  async (behind) => {
    const { ok, texts } = owner(behind);
    await ok("POST", PATH, { ...whole, weight: 3 });
    await ok("PUT", `${PATH}/openai-main`, { key: "short-canary", note: null });
    await ok("PUT", "/admin/providers/lab", { origin: "https://lab.example" });
    await ok("PUT", "/admin/providers/lab", { priority: 1 });
    await ok("PUT", "/admin/aliases/fast", { to: ["lab/x"] });
    await behind.store.cool(
      [{ credential: "openai-1", model: "", until: NOW + 9, why: "key" }],
      NOW,
    );
    await ok("POST", `${PATH}/openai-1/warm`);
    await ok("DELETE", "/admin/aliases/fast");
    await ok("DELETE", "/admin/providers/lab");
    await ok("DELETE", `${PATH}/openai-main`);
    const { entries } = await ok("GET", "/admin/audit") as { entries: Row[] };
    const told = entries.map(({ action, subject, changed }) => [
      ...[action, subject],
      ...(changed ? [changed] : []),
    ]);
    assert.deepEqual(told.toReversed(), [
      ["credential.create", "openai-main", {
        provider: "openai",
        weight: 3,
        key: "…wxyz",
      }],
      ["credential.edit", "openai-main", { note: null, key: "…" }],
      ["provider.create", "lab", { origin: "https://lab.example" }],
      ["provider.edit", "lab", { priority: 1 }],
      ["alias.set", "fast", { to: ["lab/x"] }],
      ["credential.warm", "openai-1"],
      ["alias.delete", "fast"],
      ["provider.delete", "lab"],
      ["credential.delete", "openai-main"],
    ]);
    assert.ok(!texts.join().includes("canary"));
  },
);

/** Every field of a credential, with values of its own for each number. */
const FIELDS: ((n: number) => Row)[] = [
  (n) => ({ note: `note ${n}` }),
  (n) => ({ kind: n % 2 ? "free" : "paid" }),
  (n) => ({ weight: n + 2 }),
  (n) => ({ priority: n + 1 }),
  (n) => ({ models: [`m${n}`] }),
  (n) => ({ status: n % 2 ? "disabled" : "active" }),
  (n) => ({ expires: `2027-01-01T00:00:${`${n}`.padStart(2, "0")}Z` }),
  (n) => ({ key: `sk-canary-${n}-0123456789${n + 1000}` }),
];

onBoth(
  "200 edits of different fields at once, through two doppels, lose nothing",
  async (store) => {
    const doppels = [onStore(store), onStore(store)].map(owner);
    const numbers = Array.from({ length: 25 }, (_, n) => n);
    for (const n of numbers) {
      const id = `c-${n}x`;
      await doppels[0]!.ok("POST", PATH, { ...whole, id, key: `first-${n}` });
    }
    await Promise.all(
      numbers.flatMap((n) =>
        FIELDS.map((field, i) =>
          doppels[(n + i) % 2]!.ok("PUT", `${PATH}/c-${n}x`, field(n))
        )
      ),
    );
    const keys = new Map(
      (await store.readSetup()).credentials.map((record) => [
        record.id,
        createSeal({ present: SEAL_SECRET }).open(record),
      ]),
    );
    for (const n of numbers) {
      const shown = await doppels[0]!.ok("GET", `${PATH}/c-${n}x`);
      const { key, ...said } = Object.assign(
        {},
        ...FIELDS.map((field) => field(n)),
      );
      for (const [name, value] of Object.entries(said)) {
        assert.deepEqual(shown[name], value, `${n} ${name}`);
      }
      assert.equal(keys.get(`c-${n}x`), key);
    }
    const { items } = await store.listAudit({ limit: 1000 });
    const edits = items.filter(({ action }) => action === "credential.edit");
    assert.equal(edits.length, 200);
  },
);

onBoth(
  "200 edits of one credential at once: each is made, and none takes another's field back",
  async (store) => {
    const doppels = [onStore(store), onStore(store), onStore(store)].map(owner);
    await doppels[0]!.ok("POST", PATH, whole);
    const fields = FIELDS.slice(0, 7);
    const names = fields.map((field) => Object.keys(field(0))[0]!);
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        doppels[n % 3]!.ok(
          "PUT",
          `${PATH}/openai-main`,
          // Never what it was at first.
          fields[n % 7]!(2 * Math.floor(n / 14) + 1),
        )),
    );
    const shown = await doppels[0]!.ok("GET", `${PATH}/openai-main`);
    for (const name of names) {
      assert.notDeepEqual(
        shown[name],
        shownWhole[name as keyof typeof shownWhole],
        name,
      );
    }
    const { items } = await store.listAudit({ limit: 1000 });
    assert.equal(items.length, 201);
    assert.equal((await store.admit([])).turn, 201);
  },
);

Deno.test("an edit that others are always before ends with 409, and has changed nothing", async () => {
  const behind = gateway();
  const { putSetup } = behind.store;
  let tries = 0;
  Object.assign(behind.store, { putSetup: () => Promise.resolve(++tries < 0) });
  const { status, body } = await owner(behind).call("POST", PATH, whole);
  assert.equal(status, 409);
  assert.match(`${body.title}`, /Others keep changing this/);
  assert.ok(tries > 10 && tries < 100);
  Object.assign(behind.store, { putSetup });
  await owner(behind).ok("POST", PATH, whole);
  behind.close();
});

onBoth(
  "a table carries everything to another doppel of the same secret, sealed",
  async (store) => {
    const from = owner(onStore(store));
    await from.ok("PUT", "/admin/providers/lab", {
      origin: "https://lab.example",
    });
    await from.ok("PUT", "/admin/providers/openai", { models: ["gpt-*"] });
    await from.ok("POST", PATH, { ...whole, expires: "2027-01-01T00:00:00Z" });
    await from.ok("POST", PATH, { provider: "lab", key: OTHER });
    await from.ok("PUT", "/admin/aliases/fast", { to: ["lab/x", "openai/y"] });
    for (const label of ["a", "b"]) {
      await from.ok("POST", "/admin/tokens", { label, providers: ["lab"] });
    }
    const first = await from.ok("GET", "/admin/export?limit=1");
    const second = await from.ok(
      "GET",
      `/admin/export?limit=1&cursor=${first.cursor}`,
    );
    assert.equal(second.credentials, undefined);
    const table = await from.ok("GET", "/admin/export");
    assert.equal(table.version, 2);
    assert.ok(!from.texts.join().includes("canary"));

    const other = gateway();
    const to = owner(other);
    const counts = { imported: 2, credentials: 2, providers: 2, aliases: 1 };
    for (let again = 0; again < 2; again++) {
      assert.deepEqual(await to.ok("POST", "/admin/import", table), {
        ...counts,
        unreadable: [],
      });
      assert.deepEqual(await to.ok("GET", "/admin/export"), table);
    }
    const keys = await keysOf(other);
    assert.deepEqual(keys("openai")!.at(-1), ["openai-main", KEY]);
    assert.equal(keys("lab")![0]![1], OTHER);
    await to.ok("PUT", "/admin/aliases/fast", { to: ["lab/z"] });
    const { status, body } = await to.call("POST", "/admin/import", table);
    assert.deepEqual([status, body.field], [409, "/tokens"]);
    assert.match(`${body.title}`, /others called alias fast\./);
    other.close();

    const foreign = gateway({ seal: createSeal({ present: "f".repeat(32) }) });
    const strange = owner(foreign);
    const ids = (table.credentials as Row[]).map(({ id }) => id);
    assert.deepEqual(await strange.ok("POST", "/admin/import", table), {
      ...counts,
      unreadable: ids,
    });
    assert.equal(
      (await strange.ok("GET", `${PATH}/openai-main`)).status,
      "unreadable",
    );
    foreign.close();
  },
);

law("a table of version 1 is imported as it always was", async (behind) => {
  const { ok } = owner(behind);
  await behind.mint({ label: "travels" });
  const { tokens } = await ok("GET", "/admin/export");
  const other = gateway();
  const told = await owner(other)
    .ok("POST", "/admin/import", { version: 1, tokens });
  assert.equal(told.imported, 1);
  assert.equal((await other.store.admit([])).turn, 0);
  other.close();
});

law(
  "a table in which anything is wrong is not imported at all",
  async (behind) => {
    const { ok } = owner(behind);
    await ok("POST", PATH, whole);
    await ok("PUT", "/admin/providers/lab", { origin: "https://lab.example" });
    await ok("PUT", "/admin/aliases/fast", { to: ["lab/x"] });
    await behind.mint({ providers: ["openai"] });
    const table = await ok("GET", "/admin/export") as Record<string, Row[]>;
    const [credential, lab, alias, token] = [
      table.credentials![0]!,
      table.providers![0]!,
      table.aliases![0]!,
      table.tokens![0]!,
    ];
    const cases: [change: Row, field: string][] = [
      [
        { credentials: [{ ...credential, id: "openai-2" }] },
        "/credentials/0/id",
      ],
      [
        { credentials: [{ ...credential, provider: "no" }] },
        "/credentials/0/provider",
      ],
      [{ credentials: [{ ...credential, key: KEY }] }, "/credentials/0/key"],
      [
        { credentials: [{ ...credential, sealed: KEY }] },
        "/credentials/0/sealed",
      ],
      [
        { credentials: [{ ...credential, weight: 0 }] },
        "/credentials/0/weight",
      ],
      [
        { credentials: [{ ...credential, tail: "54321" }] },
        "/credentials/0/tail",
      ],
      [{ credentials: [credential, credential] }, "/credentials"],
      [{ providers: [{ ...lab, id: "admin" }] }, "/providers/0/id"],
      [
        { providers: [{ id: "lab2", models: [], priority: 0 }] },
        "/providers/0/origin",
      ],
      [{ aliases: [{ ...alias, to: ["no/x"] }] }, "/aliases/0/to/0"],
      [{ aliases: [{ ...alias, name: "a b" }] }, "/aliases/0/name"],
      [{ tokens: [{ ...token, providers: ["no"] }] }, "/tokens/0/providers/0"],
    ];
    const other = gateway();
    const to = owner(other);
    for (const [change, field] of cases) {
      const { status, body } = await to.call("POST", "/admin/import", {
        ...table,
        ...change,
      });
      assert.deepEqual([status, body.field], [400, field], `${body.title}`);
    }
    const { turn } = await other.store.readSetup();
    const { tokens } = await to.ok("GET", "/admin/tokens") as { tokens: Row[] };
    assert.deepEqual([turn, tokens], [0, []]);
    assert.ok(!to.texts.join().includes("canary"));
    await to.ok("POST", "/admin/import", table);
    other.close();
  },
);

Deno.test("no key is in the SQLite file, before and after it is deleted", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doppel-setup-"));
  const file = join(folder, "doppel.sqlite");
  const store = sqliteStore(new DatabaseSync(file), () => START);
  const { ok } = owner(onStore(store));
  const onDisk = () =>
    readdirSync(folder).map((name) =>
      readFileSync(join(folder, name), "latin1")
    )
      .join();
  await ok("POST", PATH, whole);
  await ok("PUT", `${PATH}/openai-main`, { key: OTHER });
  assert.match(onDisk(), /openai-main/);
  assert.doesNotMatch(onDisk(), /canary|c2stY2FuYXJ5/);
  await ok("DELETE", `${PATH}/openai-main`);
  store.close();
  assert.match(onDisk(), /credential\.delete/);
  assert.doesNotMatch(onDisk(), /canary|c2stY2FuYXJ5/);
  rmSync(folder, { recursive: true });
});
