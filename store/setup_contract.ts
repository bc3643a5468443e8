/** What every `Store` must do with what the owner sets up; `testStore()` calls this. */

import assert from "node:assert/strict";
import {
  type Alias,
  type Cooldown,
  MOST_COOLDOWNS,
  type SetupChange,
  type StoredCredential,
  type StoredProvider,
} from "../core/setup.ts";
import { type Store, StoreUnavailable } from "../core/store.ts";
import { entry, type Opened, record, table } from "./contract.ts";

const NOW = Math.floor(Date.now() / 1000);
const LATER = NOW + 3600;

export const credential = (
  fields: Partial<StoredCredential> = {},
): StoredCredential => ({
  id: "openai-main",
  provider: "openai",
  sealed: "c2VhbGVk",
  sealedBy: "AAAAAAAA",
  tail: "cdef",
  note: 'quoted "x" ü \ud800',
  kind: "paid",
  weight: 1,
  priority: 0,
  models: ["gpt-*"],
  status: "active",
  created: NOW,
  createdBy: "admin",
  ...fields,
});

const provider: StoredProvider = {
  id: "lab",
  origin: "https://lab.example/v1",
  slot: "bearer",
  wire: "openai",
  models: [],
  priority: 3,
};

const alias: Alias = { name: "fast", to: ["openai/gpt-x", "lab/llama"] };

const cooldown = (fields: Partial<Cooldown> = {}): Cooldown => ({
  credential: "openai-main",
  model: "",
  until: LATER,
  why: "quota",
  ...fields,
});

/** What is put, with its place. */
const put = (
  change: Partial<SetupChange> & Pick<SetupChange, "kind" | "id">,
): SetupChange => ({ was: undefined, next: undefined, ...change });

const first = credential();
const PUT_FIRST = put({ kind: "credential", id: first.id, next: first });
const EMPTY = { turn: 0, credentials: [], providers: [], aliases: [] };

export function testSetup(
  law: (text: string, body: (opened: Opened) => Promise<void>) => void,
) {
  const turnOf = async (store: Store) => (await store.admit([])).turn;

  law("nothing set up is turn 0", async ({ store }) => {
    assert.deepEqual(await store.readSetup(), { ...EMPTY, cooldowns: [] });
    await store.setPause({ from: 1 }, entry("pause.set"));
    await store.setPause(undefined, entry("pause.end"));
    assert.equal(await turnOf(store), 0);
  });

  law(
    "readSetup() gives all of it as it was put, in the order of names",
    async ({ store }) => {
      const other = credential({ id: "a-b", expires: LATER, note: "" });
      await store.putSetup(PUT_FIRST, entry("a"));
      await store.putSetup(
        put({ kind: "credential", id: "a-b", next: other }),
        entry("b"),
      );
      await store.putSetup(
        put({ kind: "provider", id: "lab", next: provider }),
        entry("c"),
      );
      await store.putSetup(
        put({ kind: "alias", id: "fast", next: alias }),
        entry("d"),
      );
      await store.cool([cooldown({ status: 429 })], NOW);
      assert.deepEqual(await store.readSetup(), {
        turn: 5,
        credentials: [other, first],
        providers: [provider],
        aliases: [alias],
        cooldowns: [cooldown({ status: 429 })],
      });
      const { items } = await store.listAudit({ limit: 10 });
      assert.deepEqual(items.map(({ action }) => action), ["d", "c", "b", "a"]);
    },
  );

  law(
    "every change raises the turn, beside whatever pause there is",
    async ({ store }) => {
      const pause = { from: 1_800_000_000, until: 1_800_000_600 };
      await store.setPause(pause, entry("pause.set"));
      await store.putSetup(PUT_FIRST, entry("a"));
      assert.deepEqual(await store.admit([]), { records: [], pause, turn: 1 });
      await store.setPause(undefined, entry("pause.end"));
      assert.deepEqual(await store.admit([]), { records: [], turn: 1 });
      await store.cool([cooldown()], NOW);
      assert.equal(await turnOf(store), 2);
      await store.setPause(pause, entry("pause.set"));
      await store.warm([first.id]);
      await store.putSetup(
        { ...PUT_FIRST, was: first, next: undefined },
        entry("b"),
      );
      assert.deepEqual(await store.admit([]), { records: [], pause, turn: 4 });
      assert.deepEqual((await store.readSetup()).credentials, []);
    },
  );

  law(
    "what an older doppel wrote of a pause is understood, and kept by a change",
    async ({ store, setState }) => {
      const pause = { from: 1_800_000_000, until: 1_800_000_600 };
      await setState(JSON.stringify(pause));
      assert.deepEqual(await store.admit([]), { records: [], pause, turn: 0 });
      await store.putSetup(PUT_FIRST, entry("a"));
      assert.deepEqual(await store.admit([]), { records: [], pause, turn: 1 });
      await setState("null");
      assert.deepEqual(await store.admit([]), { records: [], turn: 0 });
      await store.cool([cooldown()], NOW);
      assert.deepEqual(await store.admit([]), { records: [], turn: 1 });
    },
  );

  for (const form of ["old", "new"] as const) {
    law(
      `a pause in its ${form} form keeps limits from being taken of`,
      async ({ store, setState }) => {
        const made = record({ limits: { requests: 1 } });
        await store.createToken(made, entry("token.create"));
        const pause = { from: 1 };
        await setState(
          JSON.stringify(form === "old" ? pause : { pause, turn: 7 }),
        );
        const taking = { lease: "l", now: NOW * 1000 };
        const refused = await store.admit([made], taking);
        assert.deepEqual([refused.pause, refused.taken], [pause, undefined]);
        await setState(form === "old" ? "null" : '{"turn":7}');
        const { taken, turn } = await store.admit([made], taking);
        assert.deepEqual([taken, turn], [true, form === "old" ? 0 : 7]);
      },
    );
  }

  for (const text of ["{", "7", '{"turn":"1"}', '{"turn":null}']) {
    law(`a state of ${text} closes`, async ({ store, setState }) => {
      await setState(text);
      await assert.rejects(() => store.admit([]), StoreUnavailable);
      await assert.rejects(() => store.readSetup(), StoreUnavailable);
      const put = () => store.putSetup(PUT_FIRST, entry("a"));
      await assert.rejects(put, StoreUnavailable);
      const cool = () => store.cool([cooldown()], NOW);
      await assert.rejects(cool, StoreUnavailable);
      await setState("null");
      assert.deepEqual((await store.readSetup()).credentials, []);
    });
  }

  law(
    "putSetup() puts where `was` is what is there, and nowhere else",
    async ({ store }) => {
      const edited = credential({ weight: 7 });
      const { kind, id } = PUT_FIRST;
      assert.equal(await store.putSetup(PUT_FIRST, entry("a")), true);
      const stale: Pick<SetupChange, "was" | "next">[] = [
        { was: undefined, next: edited },
        { was: undefined, next: undefined },
        { was: edited, next: first },
        { was: credential({ sealed: "c2VhbGVL" }), next: edited },
        { was: { ...first, expires: LATER }, next: undefined },
      ];
      for (const change of stale) {
        assert.equal(
          await store.putSetup({ kind, id, ...change }, entry("stale")),
          false,
        );
      }
      assert.equal(
        await store.putSetup(
          { kind, id: "other", was: first, next: edited },
          entry("stale"),
        ),
        false,
      );
      const seen = await store.readSetup();
      assert.deepEqual([seen.turn, seen.credentials], [1, [first]]);
      assert.equal((await store.listAudit({ limit: 10 })).items.length, 1);
      assert.equal(
        await store.putSetup(
          { kind, id, was: first, next: edited },
          entry("b"),
        ),
        true,
      );
      assert.deepEqual((await store.readSetup()).credentials, [edited]);
    },
  );

  law(
    "of 100 changes of one record at once that saw the same, one is made",
    async ({ store }) => {
      const { kind, id } = PUT_FIRST;
      await store.putSetup(PUT_FIRST, entry("a"));
      const made = await Promise.all(
        Array.from({ length: 100 }, (_, weight) =>
          store.putSetup(
            { kind, id, was: first, next: credential({ weight: weight + 2 }) },
            entry("b"),
          )),
      );
      assert.equal(made.filter(Boolean).length, 1);
      const { credentials: [kept], turn } = await store.readSetup();
      assert.equal(kept!.weight, made.indexOf(true) + 2);
      assert.equal(turn, 2);
      assert.equal((await store.listAudit({ limit: 10 })).items.length, 2);
    },
  );

  law(
    "a record that cannot be read is not there, hides no other, and can be replaced",
    async ({ store, damageSetup }) => {
      await store.putSetup(PUT_FIRST, entry("a"));
      await damageSetup("credential bad", "{");
      await damageSetup("constructor x", "{}");
      assert.deepEqual((await store.readSetup()).credentials, [first]);
      const next = credential({ id: "bad" });
      const bad = put({ kind: "credential", id: "bad", next });
      assert.equal(await store.putSetup(bad, entry("b")), true);
      assert.deepEqual((await store.readSetup()).credentials, [next, first]);
    },
  );

  law(
    "cool() keeps what ends later, and raises the turn for that alone",
    async ({ store }) => {
      const cooled = async (...cooldowns: Cooldown[]) => {
        await store.cool(cooldowns, NOW);
        const { turn, cooldowns: kept } = await store.readSetup();
        return [turn, kept] as const;
      };
      const model = cooldown({ model: "gpt x", until: LATER + 5, why: "key" });
      assert.deepEqual(await cooled(cooldown(), model), [1, [
        cooldown(),
        model,
      ]]);
      const sooner = cooldown({ until: LATER - 1, why: "sooner" });
      const same = cooldown({ why: "same" });
      assert.deepEqual(await cooled(sooner, same), [1, [cooldown(), model]]);
      const later = cooldown({ until: LATER + 1, why: "later", status: 402 });
      assert.deepEqual(await cooled(later), [2, [later, model]]);
      const over = cooldown({ credential: "over", until: NOW });
      assert.deepEqual(await cooled(over), [2, [later, model]]);
      assert.deepEqual(await cooled(), [2, [later, model]]);
      assert.deepEqual((await store.listAudit({ limit: 10 })).items, []);
    },
  );

  law(
    "a cooldown that has ended is forgotten, and can begin anew with an earlier end",
    async ({ store }) => {
      const kept = async (cooldowns: Cooldown[], now: number) => {
        await store.cool(cooldowns, now);
        return (await store.readSetup()).cooldowns;
      };
      const until = (seconds: number) => cooldown({ until: LATER + seconds });
      const brief = cooldown({ credential: "b", until: LATER });
      assert.deepEqual(await kept([until(100), brief], NOW), [
        brief,
        until(100),
      ]);
      // The clock of whoever cools says what has ended.
      assert.deepEqual(await kept([until(50)], LATER + 20), [until(100)]);
      assert.deepEqual(await kept([until(300)], LATER + 200), [until(300)]);
      assert.deepEqual(await kept([until(250)], LATER + 310), []);
      assert.deepEqual(await kept([until(10)], NOW), [until(10)]);
      const over = cooldown({ credential: "c", until: NOW - 10 });
      assert.deepEqual(await kept([over], NOW - 100), [until(10)]);
    },
  );

  law(
    "of 500 cooldowns of one credential at once the latest is kept",
    async ({ store }) => {
      const untils = Array.from(
        { length: 500 },
        (_, i) => LATER + (i * 263) % 500,
      );
      await Promise.all(
        untils.map((until) => store.cool([cooldown({ until })], NOW)),
      );
      const { cooldowns } = await store.readSetup();
      assert.deepEqual(cooldowns, [cooldown({ until: LATER + 499 })]);
    },
  );

  law(
    `no more than ${MOST_COOLDOWNS} cooldowns are kept: those that end last`,
    async ({ store }) => {
      const many = Array.from({ length: 2500 }, (_, i) => i);
      for (let part = 0; part < 5; part++) {
        const cooldowns = many.map((i) =>
          cooldown({
            model: `m${part}-${i}`,
            until: LATER + (i * 7 + part) % 2500,
          })
        );
        await store.cool(cooldowns, NOW);
      }
      const { cooldowns } = await store.readSetup();
      assert.equal(cooldowns.length, MOST_COOLDOWNS);
      // 12,500 over 2,500 ends, five each: the first 500 ends are gone.
      assert.equal(
        Math.min(...cooldowns.map(({ until }) => until)),
        LATER + 500,
      );
      await store.warm(["openai-main"]);
      assert.deepEqual((await store.readSetup()).cooldowns, []);
      await store.cool([cooldown()], NOW);
      assert.equal((await store.readSetup()).cooldowns.length, 1);
    },
  );

  law(
    "warm() ends the cooldowns of the credentials that are named, and notes what it ended",
    async ({ store }) => {
      const kept = cooldown({ credential: "openai-main2" });
      await store.cool(
        [
          cooldown(),
          cooldown({ model: "gpt x" }),
          kept,
          cooldown({ credential: "b" }),
        ],
        NOW,
      );
      const noted = entry("credential.warm");
      assert.equal(await store.warm(["openai-main", "b", "nobody"], noted), 3);
      const { turn, cooldowns } = await store.readSetup();
      assert.deepEqual([turn, cooldowns], [2, [kept]]);
      assert.equal(await store.warm(["openai-main"], noted), 0);
      assert.equal(await store.warm([], noted), 0);
      assert.equal(await turnOf(store), 2);
      assert.deepEqual((await store.listAudit({ limit: 10 })).items, [noted]);
      await store.cool([cooldown({ until: LATER - 5 })], NOW);
      assert.deepEqual((await store.readSetup()).cooldowns, [
        cooldown({ until: LATER - 5 }),
        kept,
      ]);
    },
  );

  law(
    "keepModels() keeps the last list, and turns nothing",
    async ({ store }) => {
      const facts = [{ id: "gpt-x", context: 128_000 }];
      await store.keepModels("openai", { facts: [], time: 1 });
      await store.keepModels("openai", { facts, time: 2 });
      await store.keepModels("lab", { facts: null, time: 3 });
      assert.deepEqual(await store.readModels(["lab", "nobody", "openai"]), [
        { facts: null, time: 3 },
        undefined,
        { facts, time: 2 },
      ]);
      assert.deepEqual(await store.readModels([]), []);
      assert.equal(await turnOf(store), 0);
    },
  );

  law(
    "importTable() takes records beside tokens, all or nothing",
    async ({ store }) => {
      const { kind, id } = PUT_FIRST;
      await store.putSetup(PUT_FIRST, entry("a"));
      const token = record();
      const whole = table([token], {
        credentials: [first, credential({ id: "b" })],
        providers: [provider],
        aliases: [alias],
      });
      const edited = credential({ weight: 2 });
      await store.putSetup({ kind, id, was: first, next: edited }, entry("b"));
      assert.deepEqual(await store.importTable(whole, entry("i")), [
        "credential openai-main",
      ]);
      const nothing = await store.readSetup();
      assert.deepEqual([nothing.turn, nothing.credentials], [2, [edited]]);
      assert.deepEqual((await store.admit([token])).records, [undefined]);
      await store.putSetup({ kind, id, was: edited, next: first }, entry("c"));
      assert.deepEqual(await store.importTable(whole, entry("i")), []);
      const { tokens: _, ...records } = whole;
      assert.deepEqual(await store.readSetup(), {
        ...records,
        credentials: [credential({ id: "b" }), first],
        turn: 4,
        cooldowns: [],
      });
      assert.deepEqual((await store.admit([token])).records, [token]);
      assert.deepEqual(await store.importTable(whole, entry("i")), []);
      assert.equal(await turnOf(store), 4);
      const foreign = table([{ ...token, hash: "e".repeat(64) }], {
        aliases: [{ ...alias, name: "new" }],
      });
      assert.deepEqual(await store.importTable(foreign, entry("i")), [
        token.id,
      ]);
      assert.equal(await turnOf(store), 4);
    },
  );
}
