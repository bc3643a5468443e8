import assert from "node:assert/strict";
import type { Batch, Entry } from "../core/ledger.ts";
import type { StoredCredential } from "../core/setup.ts";
import { StoreUnavailable } from "../core/store.ts";
import {
  redisInstalled,
  startUpstash,
  type UpstashFixture,
} from "../test/redis.ts";
import { entry, record, table, testStore } from "./contract.ts";
import { credential } from "./setup_contract.ts";
import { upstashStore } from "./upstash.ts";

if (redisInstalled()) withRedis();
else {console.warn(
    "SKIPPED: the Upstash store, since redis-server is not installed",
  );}

function withRedis() {
  testStore("upstashStore", async () => {
    const upstash = await startUpstash();
    const store = upstashStore({ ...upstash, timeout: 10_000 });
    return {
      store,
      damage: async (id: string) =>
        void await upstash.command("HSET", `doppel:token:${id}`, "label", "{"),
      damageSetup: (name, text) =>
        upstash.command("HSET", "doppel:setup", name, text),
      setState: (text) => upstash.command("SET", "doppel:pause", text),
      close: () => upstash.close(),
    };
  });

  const law = (
    text: string,
    body: (upstash: UpstashFixture) => Promise<void>,
  ) =>
    Deno.test(`upstashStore: ${text}`, async () => {
      const upstash = await startUpstash();
      try {
        await body(upstash);
      } finally {
        await upstash.close();
      }
    });

  law(
    "each verb costs what core/store.ts says, in one round trip",
    async (upstash) => {
      const store = upstashStore(upstash);
      const token = record({ expires: 1_900_000_000 });
      const next = { hash: "f".repeat(64), last4: "wxyz", graceEnds: 1 };
      const claim = (hash: string) => ({ hash, token: "t", expires: 4e9 });
      const period = new Date().toISOString().slice(0, 13);
      const row = { period, token: "one", provider: "openai", model: "gpt-x" };
      const batch = (): Batch => ({
        id: crypto.randomUUID(),
        now: Date.now(),
        rows: [{ ...row, sums: { requests: 1 } }],
        requests: new Map([["one", [{ id: "r" } as Entry]]]),
        keep: { hours: 72, days: 400, requests: 100 },
      });
      const hours = {
        span: "hour",
        from: period,
        to: period,
        limit: 10,
      } as const;
      const leased = { id: token.id, leases: ["lease"] };
      const other = { id: "nobody00", leases: [] };
      const verbs: [string, number, number, () => Promise<unknown>][] = [
        ["create", 5, 1, () => store.createToken(token, entry("a"))],
        ["admit", 3, 1, () => store.admit([{ id: token.id }])],
        [
          "admit two",
          4,
          1,
          () => store.admit([{ id: token.id }, { id: "nobody00" }]),
        ],
        ["stamp", 3, 1, () => store.stampToken(token.id, 1)],
        ["get", 2, 1, () => store.getToken(token.id)],
        ["list", 3, 2, () => store.listTokens({ limit: 1 })],
        [
          "edit",
          5,
          1,
          () => store.editToken(token.id, { label: "x" }, entry("a")),
        ],
        ["rotate", 5, 1, () => store.rotateToken(token.id, next, entry("a"))],
        ["pause", 4, 1, () => store.setPause({ from: 1 }, entry("a"))],
        ["audit", 1, 1, () => store.listAudit({ limit: 10 })],
        ["nonce", 1, 1, () => store.takeNonce("n", 4_000_000_000)],
        ["keep", 2, 1, () => store.keepClaims([claim("a"), claim("b")])],
        ["find", 1, 1, () => store.findClaims(["a", "b", "c"])],
        ["add usage", 2 + 4 + 3, 1, () => store.addUsage(batch())],
        ["list usage", 2, 2, () => store.listUsage(hours)],
        [
          "list a token's usage",
          1,
          1,
          () => store.listUsage({ ...hours, token: "one" }),
        ],
        ["list requests", 1, 1, () => store.listRequests("one", 10)],
        ["ready", 1, 1, () => store.ready()],
        ["watch", 4, 1, () => store.watch([leased, other], 1)],
        ["watch and hear", 5, 1, () => store.watch([leased, other], 1, true)],
        ["look", 4, 1, () => store.lookAtLive(1)],
        ["mark", 4, 1, () => store.markEnd("r", entry("a"))],
        ["delete", 5, 1, () => store.deleteToken(token.id, entry("a"))],
        [
          "import",
          6,
          1,
          () => store.importTable(table([record()]), entry("a")),
        ],
      ];
      for (const [, , , run] of verbs) await run(); // scripts are loaded on first use
      await store.createToken(token, entry("a"));
      await store.deleteToken(token.id, entry("a"));
      for (const [name, commands, trips, run] of verbs) {
        await upstash.reset();
        await run();
        assert.deepEqual(await upstash.counts(), { commands, trips }, name);
      }
    },
  );

  law(
    "each verb of a setup costs what core/setup.ts says, in one round trip",
    async (upstash) => {
      const store = upstashStore(upstash);
      let until = 4_000_000_000;
      let was: StoredCredential | undefined;
      const cooldowns = () =>
        ["a", "b"].map((model) => ({
          credential: "x",
          model,
          until,
          why: "w",
        }));
      const put = (next: StoredCredential) =>
        store.putSetup(
          { kind: "credential", id: next.id, was, next },
          entry("a"),
        );
      const verbs: [string, number, () => Promise<unknown>][] = [
        ["read", 4, () => store.readSetup()],
        ["put", 6, () => {
          const next = credential({ created: until++ });
          return put(next).then((done) => assert.ok(done) ?? (was = next));
        }],
        ["put in vain", 2, () => {
          was = credential({ created: 1 });
          return put(credential()).then((done) => assert.ok(!done));
        }],
        ["cool", 3 + 2 * 2 + 2, () => store.cool(cooldowns(), 1)],
        ["cool in vain", 3 + 2, () => store.cool(cooldowns(), 1)],
        ["warm", 2 + 4 + 1, () => store.warm(["x"], entry("a"))],
        ["warm in vain", 2, () => store.warm(["x"], entry("a"))],
        ["keep", 1, () => store.keepModels("openai", { facts: [], time: 1 })],
        ["look up", 1, () => store.readModels(["openai", "lab"])],
        ["import", 2 + 2 + 2, () => {
          const aliases = [{ name: `n${until++}`, to: ["a/b"] }];
          return store.importTable(table([], { aliases }), entry("a"));
        }],
      ];
      for (let round = 0; round < 2; round++) {
        was = (await store.readSetup()).credentials[0];
        for (const [name, commands, run] of verbs) {
          await upstash.reset();
          await run();
          const counts = await upstash.counts();
          // Scripts are loaded on first use.
          if (round === 1) {
            assert.deepEqual(counts, { commands, trips: 1 }, name);
          }
        }
      }
    },
  );

  law(
    "what runs is shown and looked at for what core/live.ts says",
    async (upstash) => {
      const store = upstashStore(upstash);
      const show = (instance: string, lasts = 60_000) =>
        store.showLive({ instance, running: [], more: 0, ended: [] }, lasts);
      const costs = async (work: () => Promise<unknown>) => {
        await upstash.reset();
        await work();
        return await upstash.counts();
      };
      const look = () => store.lookAtLive(1);
      await look(); // scripts are loaded on first use
      await show("a");
      assert.deepEqual(
        await costs(() => show("b")),
        { commands: 4, trips: 1 },
      );
      assert.deepEqual(await costs(look), { commands: 5, trips: 2 });
      await upstash.command("DEL", "doppel:shown:a");
      assert.deepEqual(await costs(look), { commands: 6, trips: 3 });
      assert.deepEqual(await costs(look), { commands: 5, trips: 2 });
    },
  );

  law(
    "a store that does not answer is away, and says nothing of the request",
    async (upstash) => {
      const store = upstashStore({ ...upstash, timeout: 100 });
      upstash.freeze(true);
      const away = (error: unknown) => {
        assert.ok(error instanceof StoreUnavailable);
        assert.doesNotMatch(`${error.stack}${error.reason}`, /secret00/);
        return true;
      };
      await assert.rejects(() => store.admit([{ id: "secret00" }]), away);
      await assert.rejects(() => store.ready(), away);
      upstash.freeze(false);
      const wrong = upstashStore({ ...upstash, token: "wrong" });
      await assert.rejects(
        () => wrong.admit([{ id: "secret00" }]),
        (error) =>
          away(error) && (error as StoreUnavailable).reason === "WRONGPASS",
      );
    },
  );

  law("a record made by hand in another type is no record", async (upstash) => {
    const store = upstashStore(upstash);
    await upstash.command("SET", "doppel:token:nobody00", "x");
    await assert.rejects(
      () => store.admit([{ id: "nobody00" }]),
      StoreUnavailable,
    );
  });
}
