/** `doppel credential`, `provider` and `alias`, keys through files, pipes and a terminal, and vaults that `openssl` made. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Known, openVault, planOf, vaultIn } from "./cli/vault.ts";
import { createSeal } from "./core/seal.ts";
import { type Doppel, withDoppel } from "./test/cli.ts";
import { keepSecret, keepText } from "./test/evidence.ts";
import { type Gateway, SEAL_SECRET } from "./test/gateway.ts";

const KEY = "sk-canary-cli-4b8e1f0a7c2dwxyz";
const PASSWORD = "password of the vault, canary";
keepSecret(KEY);
keepSecret(PASSWORD);

type Row = Record<string, unknown>;

/** A folder of its own, with files in it. */
function folder(files: Record<string, string | Uint8Array> = {}) {
  const path = mkdtempSync(join(tmpdir(), "doppel-vault-"));
  const at = (name: string) => join(path, name);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(at(name), content);
  }
  return { at, remove: () => rmSync(path, { recursive: true }) };
}

/** Runs commands that must go well, and parses what they print. */
function jsonOf(doppel: Doppel) {
  const fed = async (input: string, ...args: string[]) => {
    const { code, out, error } = await doppel.fed(input, ...args, "--json");
    assert.deepEqual([code, error], [0, ""], args.join(" "));
    keepText("cli", out);
    return JSON.parse(out);
  };
  return Object.assign((...args: string[]) => fed("", ...args), { fed });
}

/** The keys as doppel has them. */
async function keysOf({ store }: Gateway) {
  const { open } = createSeal({ present: SEAL_SECRET });
  const { credentials } = await store.readSetup();
  return credentials.map((record) => [record.provider, open(record)]);
}

Deno.test("doppel credential …: a key's whole life, through a pipe and a file", () =>
  withDoppel(async (doppel, behind) => {
    const json = jsonOf(doppel);
    const { at, remove } = folder({ key: KEY + "\n" });
    const added = await json.fed(
      "sk-canary-piped-0123456789\n",
      ...["credential", "add", "--provider", "openai", "--id", "openai-main"],
      ...["--kind", "free", "--weight", "3", "--priority", "0"],
      ...["--models", "gpt-*, o*", "--expires", "30d", "--note", "of the lab"],
    );
    const { tail, weight, priority, models, kind, note } = added;
    assert.deepEqual([tail, weight, priority, models, kind, note], [
      "6789",
      3,
      0,
      ["gpt-*", "o*"],
      "free",
      "of the lab",
    ]);
    assert.deepEqual(await keysOf(behind), [
      ["openai", "sk-canary-piped-0123456789"],
    ]);
    const set = ["credential", "set", "openai-main"];
    const changed = await json(
      ...set,
      "--key-file",
      at("key"),
      "--weight",
      "9",
    );
    assert.deepEqual([changed.tail, changed.weight], ["wxyz", 9]);
    const usual = await json(...set, "--weight", "none", "--expires", "never");
    assert.deepEqual([usual.weight, usual.expires], [1, null]);
    assert.deepEqual(await json.fed("sk-2\n", ...set, "--key-file", "-"), {
      ...usual,
      tail: "",
    });
    await json(...set, "--key-file", at("key"));
    const show = ["credential", "show", "openai-main"];
    const disable = ["credential", "disable", "openai-main"];
    assert.equal((await json(...disable)).status, "disabled");
    const enable = ["credential", "enable", "openai-main"];
    assert.equal((await json(...enable)).status, "active");
    const until = Math.floor(Date.now() / 1000) + 600;
    const cooldown = { credential: "openai-main", model: "", why: "quota" };
    await behind.store.cool([{ ...cooldown, until }], until - 600);
    const text = (await doppel("credential", "list")).out;
    assert.match(
      text,
      /openai-main +openai +stored +wxyz .* every model until .* \(quota\) +of the lab/,
    );
    assert.match(text, /^openai-1 +openai +environment /m);
    assert.match((await doppel(...show)).out, /^cooling +every model until /m);
    const warm = ["credential", "warm", "openai-main"];
    assert.deepEqual(await json(...warm), { ended: 1 });
    assert.deepEqual((await json(...show)).cooling, []);
    assert.deepEqual(await json("credential", "rotate"), {
      resealed: 0,
      current: 1,
      unreadable: [],
    });
    assert.deepEqual(await keysOf(behind), [["openai", KEY]]);
    const gone = { id: "openai-main", deleted: true };
    assert.deepEqual(await json("credential", "delete", "openai-main"), gone);
    const left = await json("credential", "list");
    assert.ok(left.every(({ source }: Row) => source === "environment"));
    remove();
  }));

Deno.test("doppel credential export writes sealed keys that import takes, and overwrites nothing", () =>
  withDoppel(async (doppel, behind) => {
    const json = jsonOf(doppel);
    const { at, remove } = folder({ key: KEY });
    await json("provider", "add", "lab", "--origin", "https://lab.example");
    const add = ["credential", "add", "--key-file", at("key")];
    await json(...add, "--provider", "lab");
    await json(...add, "--provider", "openai");
    await json("token", "create", "--label", "x", "--providers", "lab");
    const exportTo = ["credential", "export", at("keys.json")];
    assert.deepEqual(await json(...exportTo), { exported: 2 });
    assert.equal(statSync(at("keys.json")).mode & 0o777, 0o600);
    const text = readFileSync(at("keys.json"), "utf8");
    keepText("export", text);
    assert.ok(!text.includes("canary"));
    assert.deepEqual(JSON.parse(text).tokens, []);
    assert.equal((await doppel(...exportTo)).code, 1);
    for (const { id } of (await behind.store.readSetup()).credentials) {
      await json("credential", "delete", id);
    }
    await json("provider", "delete", "lab");
    const counts = await json("credential", "import", at("keys.json"));
    assert.deepEqual(counts, {
      imported: 0,
      credentials: 2,
      providers: 1,
      aliases: 0,
      unreadable: [],
    });
    assert.deepEqual((await keysOf(behind)).toSorted(), [
      ["lab", KEY],
      ["openai", KEY],
    ]);
    remove();
  }));

Deno.test("doppel provider … and alias …: added, listed, changed, deleted", () =>
  withDoppel(async (doppel) => {
    const json = jsonOf(doppel);
    const added = await json(
      ...["provider", "add", "lab", "--origin", "https://lab.example/v1/"],
      ...["--wire", "anthropic", "--slot", "bearer", "--models", "m*"],
    );
    assert.deepEqual([added.origin, added.wire, added.slot, added.models], [
      "https://lab.example/v1",
      "anthropic",
      "bearer",
      ["m*"],
    ]);
    const set = ["provider", "set", "lab", "--priority", "4", "--models", ""];
    const changed = { ...added, priority: 4, models: [] };
    assert.deepEqual(await json(...set), changed);
    assert.deepEqual((await json("provider", "list")).at(-1), changed);
    assert.deepEqual(await json("provider", "show", "lab"), changed);
    const fast = await json("alias", "set", "fast", "lab/x, openai/y:z");
    assert.deepEqual(fast, { name: "fast", to: ["lab/x", "openai/y:z"] });
    assert.deepEqual(await json("alias", "list"), [fast]);
    const refused = await doppel("provider", "delete", "lab");
    assert.match(refused.error, /^doppel: lab is still needed by fast\.\n$/);
    await json("alias", "delete", "fast");
    await json("provider", "delete", "lab");
    const left = await json("provider", "list");
    assert.ok(left.every(({ source }: Row) => source === "table"));
    assert.equal((await doppel("alias", "list")).out, "none\n");
  }));

Deno.test("doppel takes no key out of its arguments, and none that is empty", () =>
  withDoppel(async (doppel) => {
    const add = ["credential", "add", "--provider", "openai"];
    const { code, error } = await doppel(...add, "--key", KEY);
    assert.equal(code, 2);
    assert.ok(!error.includes(KEY));
    for (const input of ["", "\n"]) {
      const { code, error } = await doppel.fed(input, ...add);
      assert.deepEqual([code, error], [1, "doppel: no key was given.\n"]);
    }
    const { at, remove } = folder({ key: KEY });
    for (const command of [["import"], ["credential", "import"]]) {
      const { code, error } = await doppel(...command, at("key"));
      assert.equal(code, 1);
      assert.match(error, /is no token table\.\n$/);
      assert.ok(!error.includes("canary"));
    }
    remove();
    const missing = await doppel(...add, "--key-file", "/nowhere/key");
    assert.deepEqual([missing.code, missing.out], [1, ""]);
    const bad = await doppel.fed("sk canary\n", ...add);
    assert.match(bad.error, /^doppel: key must be visible ASCII/);
    assert.ok(!bad.error.includes("canary"));
  }));

Deno.test("doppel asks a terminal for the key, and shows nothing of it", () =>
  withDoppel(async (doppel, behind) => {
    const words = [...doppel.line, "credential", "add", "--provider", "openai"];
    const command = words.map((word) => `'${word}'`).join(" ");
    // A terminal of its own; typed wrong once, erased, and typed right.
    const { code, out } = await typing(
      ["script", "-qec", command, "/dev/null"],
      doppel.env,
      [/key: $/, `${KEY}0\x7f\r`],
    );
    keepText("terminal", out);
    assert.equal(code, 0, out);
    assert.match(out, /^key: \r?\n/m);
    assert.ok(!out.includes("canary"), out);
    assert.deepEqual(await keysOf(behind), [["openai", KEY]]);
  }));

Deno.test("doppel stops where somebody stops typing", () =>
  withDoppel(async (doppel, behind) => {
    const words = [...doppel.line, "credential", "add", "--provider", "openai"];
    const { code } = await typing(
      [
        "script",
        "-qec",
        words.map((word) => `'${word}'`).join(" "),
        "/dev/null",
      ],
      doppel.env,
      [/key: $/, "sk-\x03"],
    );
    assert.equal(code, 1);
    assert.deepEqual(await keysOf(behind), []);
  }));

/** Runs a command, and types when it has asked. */
async function typing(
  [command, ...args]: readonly [string, ...string[]],
  env: Record<string, string>,
  [asked, keys]: readonly [RegExp, string],
) {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, {
    env: { PATH: PATH!, HOME: HOME!, TERM: "xterm", ...env },
  });
  let out = "";
  let typed = false;
  child.stdout.on("data", (chunk) => {
    out += chunk;
    if (!typed && asked.test(out)) typed = child.stdin.write(keys) || true;
  });
  child.stderr.resume();
  const code = await new Promise((resolve) => child.on("close", resolve));
  child.stdin.destroy();
  return { code, out };
}

/** What `openssl enc` makes of a text. */
function enciphered(text: string, ...options: string[]): Uint8Array {
  const { stdout, status, stderr } = spawnSync("openssl", [
    ...["enc", "-aes-256-cbc", "-pbkdf2", "-iter", "100000"],
    ...["-pass", `pass:${PASSWORD}`, ...options],
  ], { input: text });
  assert.equal(status, 0, `${stderr}`);
  return stdout;
}

const model = (id: string, priority?: number) => (
  { id, usage: "chat", contextWindow: 1, ...(priority && { priority }) }
);

/** As the README of the project that makes them has it. */
const VAULT = {
  version: 1,
  crawlers: { firecrawl: [{ key: "fc-canary-crawler" }] },
  providers: {
    anthropic: {
      protocol: "anthropic",
      endpoint: "https://api.anthropic.com/v1",
      gatewayEndpoint: "https://gateway.example/canary-account",
      gatewayKey: "canary-gateway",
      keys: [
        { key: "sk-ant-canary-one", owner: "a@example.com", type: "paid" },
        { key: "sk-ant-canary-two", owner: "b@example.com", type: "expired" },
        { key: "sk-ant-canary-three", type: "free", sharedSecret: "canary-x" },
      ],
      models: [model("claude-b", 20), model("claude-c"), model("claude-a", 10)],
    },
    "google-ai-studio": {
      protocol: "gemini",
      keys: [{ key: "AIza-canary-four", type: "premium" }],
      models: [],
    },
    mine: {
      protocol: "openai",
      endpoint: "https://api.openai.com/v1",
      keys: [
        { key: " sk-canary-five\n", quotaResetAt: 1_900_000_000 },
        { key: "sk canary-of-two-words" },
      ],
    },
    gemini: {
      endpoint: "https://proxy.example/gemini",
      keys: [{ key: "canary-of-the-proxy", type: "free" }],
    },
    Poolside_AI: {
      protocol: "openai",
      endpoint: "https://inference.poolside.ai/v1",
      keys: [{ key: "ps-canary-six", owner: "c" }, { owner: "d" }],
      models: [model("malibu")],
    },
    nowhere: { protocol: "openai", keys: [{ key: "sk-canary-seven" }] },
  },
};

const UNPLACED = [
  ["vault", "crawlers"],
  ["anthropic", "gatewayEndpoint"],
  ["anthropic", "gatewayKey"],
  ["anthropic models", "usage"],
  ["anthropic models", "contextWindow"],
  ["anthropic keys", "sharedSecret"],
  ["google-ai-studio keys", "type premium: kept as paid"],
  ["mine keys", "quotaResetAt"],
  [
    "gemini",
    "endpoint: it is not https://generativelanguage.googleapis.com, so its keys are disabled",
  ],
  ["Poolside_AI models", "usage"],
  ["Poolside_AI models", "contextWindow"],
  ["Poolside_AI keys", "an entry without a key"],
  [
    "nowhere",
    "all of it: its API is not known, nor an endpoint to use",
  ],
  [
    "openai keys",
    "key must be visible ASCII without spaces, 8192 characters at most.",
  ],
].map(([where, what]) => ({ where, what }));

Deno.test("doppel credential import takes a vault that openssl made, and says what of it has no place", () =>
  withDoppel(async (doppel, behind) => {
    const json = jsonOf(doppel);
    const { at, remove } = folder({
      "ai.json.enc": enciphered(JSON.stringify(VAULT), "-a"),
      password: PASSWORD + "\n",
    });
    const importing = ["credential", "import", at("ai.json.enc")];
    const withFile = [...importing, "--password-file", at("password")];
    const told = await json(...withFile);
    assert.deepEqual(told, { imported: 7, known: 0, unplaced: UNPLACED });
    assert.ok(!JSON.stringify(told).includes("canary"));
    const { credentials, providers } = await behind.store.readSetup();
    const { open } = createSeal({ present: SEAL_SECRET });
    const kept = credentials.map((record) => [
      ...[open(record), record.provider, record.kind],
      ...[record.status, record.note],
    ]).toSorted();
    assert.deepEqual(kept, [
      ["AIza-canary-four", "gemini", "paid", "active", ""],
      ["canary-of-the-proxy", "gemini", "free", "disabled", ""],
      ["ps-canary-six", "poolside-ai", "paid", "active", "c"],
      ["sk-ant-canary-one", "anthropic", "paid", "active", "a@example.com"],
      ["sk-ant-canary-three", "anthropic", "free", "active", ""],
      ["sk-ant-canary-two", "anthropic", "paid", "disabled", "b@example.com"],
      ["sk-canary-five", "openai", "paid", "active", ""],
    ]);
    const of = (id: string) => providers.find((row) => row.id === id);
    assert.deepEqual(of("anthropic")?.models, [
      "claude-a",
      "claude-b",
      "claude-c",
    ]);
    assert.deepEqual(of("poolside-ai"), {
      id: "poolside-ai",
      models: ["malibu"],
      priority: 0,
      origin: "https://inference.poolside.ai/v1",
      wire: "openai",
    });
    // Again: every key is known, and the lists of models stay.
    const again = await json.fed(PASSWORD, ...importing);
    assert.deepEqual([again.imported, again.known], [0, 7]);
    const lists = again.unplaced.filter(({ what }: Row) =>
      what === "models: there is a list"
    );
    assert.equal(lists.length, 2);
    const wrong = await doppel.fed("another password", ...importing);
    assert.equal(
      wrong.error,
      "doppel: the password does not open it, or it is no vault.\n",
    );
    const { out } = await doppel(...withFile);
    assert.match(out, /Without a place here:\nwhere +what\nvault +crawlers\n/);
    assert.ok(!out.includes("canary"));
    remove();
  }));

Deno.test("a vault is known in every form that openssl writes", () => {
  const text = JSON.stringify({ version: 1, note: "ü".repeat(300) });
  const forms = [[], ["-a"], ["-a", "-A"], ["-base64", "-md", "sha256"]];
  for (const options of forms) {
    const bytes = enciphered(text, ...options);
    assert.deepEqual(
      openVault(vaultIn(bytes)!, PASSWORD),
      JSON.parse(text),
      options.join(),
    );
    assert.throws(() => openVault(vaultIn(bytes)!, "wrong"), /does not open/);
  }
  assert.equal(vaultIn(new TextEncoder().encode(text)), undefined);
  assert.equal(vaultIn(new Uint8Array()), undefined);
});

Deno.test("of two entries of one name the second's keys do not go to the first's API", () => {
  const key = (key: string) => [{ key, type: "paid" }];
  const providers = {
    "my-api": { endpoint: "https://one.example", keys: key("k1") },
    "My_API": { endpoint: "https://two.example/v1", keys: key("k2") },
    "again": { endpoint: "https://one.example/x", keys: key("k3") },
  };
  const plan = planOf({ providers }, []);
  assert.deepEqual(plan.providers, [
    ["my-api", { origin: "https://one.example", wire: "openai" }],
  ]);
  assert.deepEqual(plan.credentials, [
    { provider: "my-api", key: "k1", kind: "paid" },
    { provider: "my-api", key: "k2", kind: "paid", status: "disabled" },
    { provider: "my-api", key: "k3", kind: "paid" },
  ]);
});

Deno.test("a vault's keys go where their endpoint is, then where their name says", () => {
  const known: Known[] = [
    { id: "openai", origin: "https://gateway.example/openai", models: [] },
    { id: "gemini", origin: "https://gateway.example/gemini", models: [] },
    { id: "groq", origin: "https://api.groq.com/openai", models: [] },
  ];
  const cases: [name: string, entry: Row, goes: string, disabled: boolean][] = [
    ["openai", { endpoint: "https://api.groq.com/openai/v1" }, "groq", false],
    ["fast", { endpoint: "https://api.groq.com/openai/v1" }, "groq", false],
    ["gemini", { endpoint: "https://gateway.example/gemini" }, "gemini", false],
    ["google", { endpoint: "https://gateway.example/x" }, "gemini", false],
    ["openai", { endpoint: "https://api.openai.com/v1" }, "openai", true],
    ["Open AI", { protocol: "gemini" }, "gemini", false],
    ["groq", {}, "groq", false],
  ];
  for (const [name, entry, goes, disabled] of cases) {
    const providers = { [name]: { ...entry, keys: [{ key: "k" }] } };
    const { credentials: [kept], providers: made } = planOf(
      { providers },
      known,
    );
    const where = `${name} ${JSON.stringify(entry)}`;
    assert.deepEqual([kept?.provider, made], [goes, []], where);
    assert.equal(kept?.status === "disabled", disabled, where);
  }
  const open = { mine: { protocol: "openai", keys: [{ key: "k" }] } };
  assert.deepEqual(planOf({ providers: open }, known).credentials, []);
});

Deno.test("what comes out of a vault is read with suspicion", () => {
  const known: Known[] = [{ id: "openai", origin: "https://x", models: [] }];
  for (const vault of [null, [], "x", {}, { providers: [] }]) {
    assert.throws(() => planOf(vault, known), /it is no vault/);
  }
  const providers = {
    openai: {
      keys: [{ key: 7 }, "sk", { key: "", type: "free" }, {
        key: "k",
        type: {},
      }],
    },
    admin: { endpoint: "https://admin.example", keys: [{ key: "k2" }] },
    odd: { endpoint: "file:///etc", keys: [{ key: "k3" }] },
    ["__proto__x"]: null,
    constructor: {
      keys: [{ key: "k4", type: "constructor" }],
      protocol: "toString",
    },
  };
  const plan = planOf({ providers }, known);
  assert.deepEqual(plan.credentials, [{ provider: "openai", key: "k" }]);
  assert.deepEqual(plan.providers, []);
  const all = plan.unplaced.filter(({ what }) => what.startsWith("all of it"));
  assert.deepEqual(all.map(({ where }) => where), [
    "admin",
    "odd",
    "__proto__x",
    "constructor",
  ]);
});
