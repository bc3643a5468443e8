/** What every `Store` must do; each implementation's test calls this. */

import assert from "node:assert/strict";
import { testLimits } from "./limit_contract.ts";
import { testLive } from "./live_contract.ts";
import { testSetup } from "./setup_contract.ts";
import { testUsage } from "./usage_contract.ts";
import type {
  AuditEntry,
  Store,
  Table,
  TokenPatch,
  TokenRecord,
} from "../core/store.ts";

export const entry = (action: string): AuditEntry => ({
  time: 1_800_000_000,
  by: "admin",
  action,
});

let made = 0;
export function record(fields: Partial<TokenRecord> = {}): TokenRecord {
  const id = `${++made}`.padStart(8, "0");
  return {
    id,
    hash: id.repeat(8),
    last4: "abcd",
    label: "laptop",
    note: "",
    providers: ["openai"],
    models: [],
    endpoints: [],
    addresses: [],
    isolated: false,
    abort: "cancel",
    exactUsage: false,
    clamp: false,
    limits: {},
    status: "active",
    created: 1_800_000_000,
    createdBy: "admin",
    ...fields,
  };
}

/** Tokens and nothing else, unless more is said. */
export const table = (
  tokens: readonly TokenRecord[],
  more: Partial<Table> = {},
): Table => ({ tokens, credentials: [], providers: [], aliases: [], ...more });

/** Opens a fresh, empty store. */
export interface Opened {
  readonly store: Store;
  /** Puts an unreadable record under a token's id. */
  readonly damage: (id: string) => void | Promise<void>;
  /** Puts a text where a record of a setup lies. */
  readonly damageSetup: (name: string, text: string) => unknown;
  /** Puts a text where the state lies. */
  readonly setState: (text: string) => unknown;
  readonly close: () => void | Promise<void>;
}

export function testStore(name: string, open: () => Promise<Opened>): void {
  const law = (text: string, body: (opened: Opened) => Promise<void>) =>
    Deno.test(`${name}: ${text}`, async () => {
      const opened = await open();
      try {
        await body(opened);
      } finally {
        await opened.close();
      }
    });

  testLimits(law);
  testLive(law);
  testSetup(law);
  testUsage(law);

  law(
    "admit() gives records in the order asked, and none for unknown ids",
    async ({ store }) => {
      const [a, b] = [record(), record({ expires: 1_900_000_000 })];
      await store.createToken(a, entry("token.create"));
      await store.createToken(b, entry("token.create"));
      assert.deepEqual(
        await store.admit([{ id: b.id }, { id: "nobody00" }, { id: a.id }]),
        {
          records: [b, undefined, a],
          turn: 0,
        },
      );
      assert.deepEqual(await store.admit([]), { records: [], turn: 0 });
    },
  );

  law("the first claim stands, and lapses by itself", async ({ store }) => {
    const soon = Math.floor(Date.now() / 1000) + 1;
    const claim = {
      hash: "a".repeat(64),
      token: "one",
      sealed: { provider: "openai", secret: "s" },
      expires: soon + 600,
    };
    await store.keepClaims([claim, { ...claim, hash: "b", expires: soon }]);
    await store.keepClaims([{ ...claim, token: "two" }]);
    await store.keepClaims([]);
    assert.deepEqual(await store.findClaims(["c", claim.hash]), [
      undefined,
      claim,
    ]);
    assert.deepEqual(await store.findClaims([]), []);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual(await store.findClaims(["b"]), [undefined]);
  });

  law("createToken() never overwrites", async ({ store }) => {
    const token = record({ status: "disabled" });
    assert.equal(await store.createToken(token, entry("token.create")), true);
    const usurper = { ...token, status: "active" as const };
    assert.equal(
      await store.createToken(usurper, entry("token.create")),
      false,
    );
    assert.deepEqual((await store.admit([{ id: token.id }])).records, [token]);
    assert.equal((await store.listAudit({ limit: 10 })).items.length, 1);
  });

  law(
    "editToken() changes what the patch names and nothing else",
    async ({ store }) => {
      const token = record({
        expires: 1_900_000_000,
        note: 'quoted "x" ü \0 \ud800',
      });
      await store.createToken(token, entry("token.create"));
      const edited = await store.editToken(
        token.id,
        { label: "123", providers: ["gemini"], expires: null },
        entry("token.edit"),
      );
      const { expires: _, ...rest } = token;
      const expected = { ...rest, label: "123", providers: ["gemini"] };
      assert.deepEqual(edited, expected);
      assert.deepEqual((await store.admit([{ id: token.id }])).records, [
        expected,
      ]);
      assert.equal(
        await store.editToken("nobody00", { label: "x" }, entry("token.edit")),
        undefined,
      );
      assert.deepEqual((await store.admit([{ id: "nobody00" }])).records, [
        undefined,
      ]);
    },
  );

  law(
    "rotateToken() keeps the old hash as the previous one",
    async ({ store }) => {
      const token = record();
      await store.createToken(token, entry("token.create"));
      const next = {
        hash: "f".repeat(64),
        last4: "wxyz",
        graceEnds: 1_800_000_600,
      };
      const rotated = await store.rotateToken(
        token.id,
        next,
        entry("token.rotate"),
      );
      assert.deepEqual(rotated, {
        ...token,
        hash: next.hash,
        last4: "wxyz",
        previous: { hash: token.hash, expires: 1_800_000_600 },
      });
      assert.deepEqual((await store.admit([{ id: token.id }])).records, [
        rotated,
      ]);
      assert.equal(
        await store.rotateToken("nobody00", next, entry("token.rotate")),
        undefined,
      );
    },
  );

  law(
    "deleteToken() takes the use with it, and a late stamp brings nothing back",
    async ({ store }) => {
      const token = record();
      await store.createToken(token, entry("token.create"));
      await store.stampToken(token.id, 1_800_000_001);
      assert.deepEqual(await store.getToken(token.id), {
        record: token,
        lastUsed: 1_800_000_001,
      });
      assert.equal(
        await store.deleteToken(token.id, entry("token.delete")),
        true,
      );
      await store.stampToken(token.id, 1_800_000_002);
      assert.equal(await store.getToken(token.id), undefined);
      assert.deepEqual(await store.listTokens({ limit: 10 }), { items: [] });
      assert.equal(
        await store.deleteToken(token.id, entry("token.delete")),
        false,
      );
      await store.createToken(token, entry("token.create"));
      assert.deepEqual(await store.getToken(token.id), { record: token });
    },
  );

  law(
    "listTokens() pages oldest first through all of them",
    async ({ store }) => {
      const tokens = Array.from(
        { length: 25 },
        (_, i) => record({ created: 2_000 - i % 7 }),
      );
      for (const token of tokens) {
        await store.createToken(token, entry("token.create"));
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.listTokens({ cursor, limit: 10 });
        seen.push(...page.items.map(({ record }) => record.id));
        cursor = page.cursor;
      } while (cursor !== undefined);
      const sorted = tokens.toSorted((a, b) =>
        a.created - b.created || (a.id < b.id ? -1 : 1)
      );
      assert.deepEqual(seen, sorted.map(({ id }) => id));
    },
  );

  law(
    "an unreadable record is no record, and hides no other",
    async ({ store, damage }) => {
      const [good, bad] = [record(), record()];
      await store.createToken(good, entry("token.create"));
      await store.createToken(bad, entry("token.create"));
      await damage(bad.id);
      assert.deepEqual(
        (await store.admit([{ id: bad.id }, { id: good.id }])).records,
        [
          undefined,
          good,
        ],
      );
      assert.deepEqual(await store.listTokens({ limit: 10 }), {
        items: [{ record: good }],
      });
      assert.equal(
        await store.editToken(bad.id, { note: "x" }, entry("token.edit")),
        undefined,
      );
    },
  );

  law("importTable() takes all or nothing", async ({ store }) => {
    const [a, b, c] = [record(), record({ note: "kept" }), record()];
    await store.createToken(b, entry("token.create"));
    const foreign = { ...b, hash: "e".repeat(64) };
    assert.deepEqual(
      await store.importTable(table([a, foreign, c]), entry("table.import")),
      [b.id],
    );
    assert.deepEqual(
      (await store.admit([{ id: a.id }, { id: b.id }])).records,
      [undefined, b],
    );
    const same = { ...b, note: "imported" };
    assert.deepEqual(
      await store.importTable(table([a, same, c]), entry("table.import")),
      [],
    );
    assert.deepEqual(
      (await store.admit([{ id: a.id }, { id: b.id }, { id: c.id }])).records,
      [
        a,
        b,
        c,
      ],
    );
    assert.equal((await store.listTokens({ limit: 10 })).items.length, 3);
  });

  law("setPause() is seen by the next admission", async ({ store }) => {
    const pause = { from: 1_800_000_000, until: 1_800_000_600 };
    await store.setPause(pause, entry("pause.set"));
    assert.deepEqual(await store.admit([]), { records: [], pause, turn: 0 });
    await store.setPause(undefined, entry("pause.end"));
    assert.deepEqual(await store.admit([]), { records: [], turn: 0 });
  });

  law("listAudit() pages newest first", async ({ store }) => {
    for (let i = 0; i < 25; i++) {
      await store.createToken(record(), entry(`number.${i}`));
    }
    const first = await store.listAudit({ limit: 20 });
    const second = await store.listAudit({ cursor: first.cursor, limit: 20 });
    const actions = [...first.items, ...second.items].map(({ action }) =>
      action
    );
    assert.deepEqual(
      actions,
      Array.from({ length: 25 }, (_, i) => `number.${24 - i}`),
    );
    assert.equal(second.cursor, undefined);
  });

  law(
    "takeNonce() is true once, however many ask at once",
    async ({ store }) => {
      const later = Math.floor(Date.now() / 1000) + 60;
      const taken = await Promise.all(
        Array.from({ length: 50 }, () => store.takeNonce("n", later)),
      );
      assert.equal(taken.filter(Boolean).length, 1);
      assert.equal(await store.takeNonce("m", later), true);
    },
  );

  law(
    "1,000 admissions, revocations and edits at once lose nothing and resurrect nothing",
    async ({ store }) => {
      const tokens = Array.from({ length: 20 }, () => record());
      for (const token of tokens) {
        await store.createToken(token, entry("token.create"));
      }
      const revoked = new Set<string>();
      let edits = 0;
      const edit = async (id: string, patch: TokenPatch) => {
        if (await store.editToken(id, patch, entry("token.edit"))) edits++;
      };
      await Promise.all(Array.from({ length: 1000 }, async (_, i) => {
        const { id } = tokens[i % 20]!;
        const kind = Math.floor(i / 20) % 5;
        if (kind === 0 && i >= 500 && i % 2 === 0) {
          if (i % 4 === 0) await store.deleteToken(id, entry("token.delete"));
          else await edit(id, { status: "disabled" });
          revoked.add(id);
        } else if (kind === 1) await edit(id, { label: `label ${i}` });
        else if (kind === 2) await edit(id, { note: `note ${i}` });
        else if (kind === 3) await store.stampToken(id, i);
        else {
          const gone = revoked.has(id);
          const { records: [found] } = await store.admit([{ id: id }]);
          if (gone) assert.notEqual(found?.status, "active");
        }
      }));
      assert.equal(revoked.size, 10);
      const { records } = await store.admit(
        tokens.map(({ id }) => ({ id })),
      );
      records.forEach((found, i) => {
        assert.equal(found?.status === "active", !revoked.has(tokens[i]!.id));
        if (found?.status !== "active") return;
        // Requests of one client may overtake each other; none may undo another's field.
        assert.match(found.label, /^label \d+$/);
        assert.match(found.note, /^note \d+$/);
      });
      const audit = await store.listAudit({ limit: 1000 });
      const edited = audit.items.filter(({ action }) =>
        action === "token.edit"
      );
      assert.equal(edited.length, edits);
    },
  );
}
