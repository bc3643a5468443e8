/** The command line, against a doppel on a socket of this process. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entry } from "./core/ledger.ts";
import { LOOK_EVERY } from "./core/running.ts";
import { understood, UsageError } from "./cli/options.ts";
import { run, withDoppel } from "./test/cli.ts";
import { SECRET } from "./test/gateway.ts";
import { PROVIDERS } from "./providers/mod.ts";

Deno.test("doppel token …: a token's whole life, as JSON", () =>
  withDoppel(async (doppel) => {
    const json = async (...args: string[]) => {
      const { code, out, error } = await doppel(...args, "--json");
      assert.deepEqual([code, error], [0, ""], args.join(" "));
      return JSON.parse(out);
    };
    const { token, ...record } = await json(
      "token",
      "create",
      "--label",
      "laptop",
      "--providers",
      "openai, gemini",
      "--models",
      "gpt-*",
      "--expires",
      "30d",
    );
    assert.match(token, /^dpl_/);
    assert.deepEqual(record.providers, ["openai", "gemini"]);
    const days = (Date.parse(record.expires) - Date.now()) / 86_400_000;
    assert.ok(days > 29.9 && days <= 30);
    const { id } = record;
    assert.deepEqual(await json("token", "list"), [record]);
    assert.deepEqual(await json("token", "show", id), record);
    const change = ["--exact-usage", "on", "--clamp", "on"];
    const { exactUsage, clamp } = await json("token", "set", id, ...change);
    assert.deepEqual([exactUsage, clamp], [true, true]);
    assert.equal(
      (await json("token", "set", id, "--exact-usage", "off")).exactUsage,
      false,
    );
    assert.equal((await json("token", "disable", id)).status, "disabled");
    assert.equal((await json("token", "enable", id)).status, "active");
    assert.equal(
      (await json("token", "set", id, "--label", "l2", "--expires", "never"))
        .expires,
      null,
    );
    assert.notEqual(
      (await json("token", "rotate", id, "--grace", "10m")).token,
      token,
    );
    const table = await json("export");
    assert.equal(table.tokens[0].previous.hash.length, 64);
    assert.deepEqual(await json("token", "delete", id), { id, deleted: true });
    const folder = mkdtempSync(join(tmpdir(), "doppel-cli-"));
    writeFileSync(join(folder, "table.json"), JSON.stringify(table));
    assert.deepEqual(await json("import", join(folder, "table.json")), {
      imported: 1,
      credentials: 0,
      providers: 0,
      aliases: 0,
      unreadable: [],
    });
    rmSync(folder, { recursive: true });
    assert.equal((await json("token", "list"))[0].label, "l2");
    const actions = (await json("audit")).map((
      { action }: { action: string },
    ) => action);
    assert.equal(actions[0], "table.import");
    assert.equal((await json("pause", "--until", "+1h")).paused, true);
    assert.equal((await json("resume", "--at", "+2h")).paused, true);
    assert.equal((await json("resume")).paused, false);
    assert.equal((await json("status")).paused, false);
    assert.deepEqual(
      (await json("providers")).map(({ id }: { id: string }) => id),
      PROVIDERS.map(({ id }) => id),
    );
  }));

Deno.test("doppel live: what runs, what has just ended, and the end of one", () =>
  withDoppel(async (doppel, g) => {
    const scope = ["--label", "l", "--providers", "openai", "--json"];
    const minted = await doppel("token", "create", ...scope);
    const { id: token, token: secret } = JSON.parse(minted.out);
    const text = await doppel("live");
    assert.equal(text.out, "running\nnone\n\njust ended\nnone\n");
    g.respondWith(() =>
      new Response(new ReadableStream(), {
        headers: { "content-type": "text/event-stream" },
      })
    );
    const answer = await g.open("/openai/v1/chat/completions", {
      method: "POST",
      headers: { authorization: `Bearer ${secret}` },
      body: "{}",
    });
    const live = async () => JSON.parse((await doppel("live", "--json")).out);
    const { running: [row] } = await live();
    assert.deepEqual([row.token, row.bytes], [token, 0]);
    const shown = (await doppel("live")).out.split("\n")[2]!;
    assert.ok(shown.startsWith(`${row.id}  ${token}  openai`), shown);
    const { code, out } = await doppel("live", "end", row.id);
    assert.deepEqual([code, out], [0, `${row.id} is ended.\n`]);
    assert.match(await answer.text(), /owner of this doppel has ended/);
    const { running, ended } = await live();
    assert.deepEqual([running, ended[0].id], [[], row.id]);
    const again = await doppel("live", "end", row.id);
    assert.deepEqual([again.code, again.out], [1, ""]);
    assert.match(again.error, /There is no such request under way/);
    await g.settled();
    await new Promise((resolve) => setTimeout(resolve, 2 * LOOK_EVERY));
  }));

Deno.test("doppel sign prints a curl that works", () =>
  withDoppel(async (doppel) => {
    const data = `{"label":"it's","providers":["openai"]}`;
    const { out } = await doppel(
      "sign",
      "post",
      "/admin/tokens",
      "--data",
      data,
    );
    const { code, out: answer } = await run("sh", [
      "-c",
      out.replace("curl", "curl -s"),
    ], {});
    assert.equal(code, 0);
    assert.equal(JSON.parse(answer).label, "it's");
  }));

Deno.test("doppel keeps control characters out of the terminal", () =>
  withDoppel(async (doppel) => {
    await doppel(
      "token",
      "create",
      "--label",
      "a\x1b[2Jb",
      "--providers",
      "openai",
    );
    const { out } = await doppel("token", "list");
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(out, /\x1b/);
  }));

Deno.test("doppel prices explains a price line by line, and needs no doppel", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doppel-cli-"));
  const file = join(folder, "prices.json");
  const rows = [
    { models: "gpt-4o", input: 1 },
    { models: "gpt-4o", tiers: "warp", output: 99 },
  ];
  writeFileSync(
    file,
    JSON.stringify({
      dated: "2026-11-19",
      source: "a contract",
      providers: { openai: rows },
    }),
  );
  await withDoppel(async (doppel) => {
    const { out } = await doppel("prices", "gpt-4o", "--json");
    const lines: Record<string, unknown>[] = JSON.parse(out);
    const find = (kind: string, tier?: string) =>
      lines.filter((line) => line.kind === kind && line.tier === tier);
    assert.deepEqual(find("input"), [{
      provider: "openai",
      kind: "input",
      amount: 1,
      per: "1,000,000",
      dated: "2026-11-19",
      source: "a contract",
    }]);
    assert.equal(find("output")[0]!.amount, 10);
    assert.equal(find("output", "warp")[0]!.amount, 99);
    assert.equal(find("all tokens", "priority")[0]!.amount, 170);
    assert.equal(find("context")[0]!.amount, 128_000);
    const long = await doppel("prices", "gpt-6.1-sol", "--provider", "openai");
    assert.match(long.out, /^openai +input +- +272000 +4 +1,000,000 /m);
    const none = await doppel("prices", "gpt-4o", "--provider", "gemini");
    assert.deepEqual([none.code, none.out], [1, ""]);
    assert.match(none.error, /no price is known for gpt-4o/);
    writeFileSync(file, "{");
    const bad = await doppel("prices", "gpt-4o");
    assert.match(bad.error, /^doppel: the table of prices is not JSON\n$/);
  }, { DOPPEL_URL: "http://127.0.0.1:1", PRICES_FILE: file });
  rmSync(folder, { recursive: true });
});

Deno.test("doppel usage sums up, as a table, JSON or CSV; doppel requests lists", () =>
  withDoppel(async (doppel, { store }) => {
    const period = new Date().toISOString().slice(0, 13);
    const keep = { hours: 72, days: 400, requests: 10 };
    const row = { period, token: "token001", provider: "openai" };
    const entry = { id: "r1", token: "token001", status: 200, usage: {} };
    await store.addUsage({
      id: "batch",
      now: Date.now(),
      keep,
      rows: [
        {
          ...row,
          model: "gpt-x",
          sums: {
            requests: 3,
            cost: 2_500_000,
            "use:input": 7,
            "error:http_500": 1,
          },
        },
        { ...row, model: "odd", sums: { requests: 1, unpriced: 1 } },
      ],
      requests: new Map([["token001", [entry as Entry]]]),
    });
    const { out } = await doppel("usage", "--by", "model", "--since", "7d");
    assert.deepEqual(out.split("\n").map((line) => line.split(/ {2,}/)), [
      ["model", "requests", "errors", "input", "output", "cost", "guessed"],
      ["gpt-x", "3", "1", "7", "0", "$2.500000", "0"],
      ["odd", "1", "0", "0", "0", "$0.000000 + 1 unpriced", "0"],
      [""],
    ]);
    const json = await doppel("usage", "--token", "token001", "--json");
    assert.equal(JSON.parse(json.out)[0].requests, 4);
    const csv = await doppel("usage", "--csv", "--by", "provider");
    assert.match(csv.out, /^provider,requests,.*\r\nopenai,4,1,7,/);
    const none = await doppel("usage", "--token", "token002");
    assert.equal(none.out, "none\n");
    const last = await doppel("requests", "token001", "--json");
    assert.deepEqual(JSON.parse(last.out), [entry]);
    assert.equal((await doppel("usage", "--by", "colour")).code, 1);
  }));

Deno.test("doppel: usage errors exit 2, all others 1, in one line on stderr", () =>
  withDoppel(async (doppel) => {
    for (
      const args of [
        [],
        ["frob"],
        ["token", "show"],
        ["status", "--label", "x"],
        ["--nope"],
        ["pause", "--at", "soon"],
      ]
    ) {
      const { code, out, error } = await doppel(...args);
      assert.deepEqual([code, out], [2, ""], args.join(" "));
      assert.match(error, /^doppel: .*\n\ndoppel token create/);
    }
    for (
      const args of [["token", "show", "nobody00"], [
        "token",
        "create",
        "--label",
        "x",
      ], ["import", "/nowhere.json"]]
    ) {
      const { code, out, error } = await doppel(...args, "--json");
      assert.deepEqual([code, out], [1, ""], args.join(" "));
      assert.match(error, /^doppel: [^\n]+\n$/);
    }
    assert.equal((await doppel("--help")).code, 0);
  }));

Deno.test("a usage line declares its command: name, words, options, and no more", () => {
  const usages = ["token list", "token rotate ID [--grace 10m]", "audit"];
  const read = (...args: string[]) => understood(usages, args);
  assert.deepEqual(read("token", "rotate", "x", "--json", "--grace", "10m"), {
    usage: "token rotate ID [--grace 10m]",
    words: ["x"],
    values: { grace: 600 },
    json: true,
  });
  assert.deepEqual(read("audit")?.values, {});
  assert.equal(read("audit", "-h"), undefined);
  const wrong: [args: string[], says: RegExp][] = [
    [[], /^there is no command ""\.$/],
    [["token"], /^there is no command "token"\.$/],
    [["token", "lists"], /^there is no command "token lists"\.$/],
    [["token", "rotate"], /^"token rotate" takes ID\.$/],
    [["audit", "x"], /^"audit" takes no more words\.$/],
    [["audit", "--grace", "10m"], /^"audit" does not take --grace\.$/],
    [["audit", "--nope"], /^Unknown option '--nope'\.$/],
    [
      ["token", "rotate", "x", "--grace", "soon"],
      /^--grace does not understand "soon"\.$/,
    ],
  ];
  for (const [args, message] of wrong) {
    assert.throws(() => read(...args), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("doppel says what is missing: a doppel, a secret", () =>
  withDoppel(async (doppel) => {
    const { code, error } = await doppel("token", "list");
    assert.equal(code, 1);
    assert.match(error, /no doppel answers at http:\/\/127\.0\.0\.1:1:/);
  }, { DOPPEL_URL: "http://127.0.0.1:1" }));

Deno.test("doppel takes the local secret where none is set, and says where it looked", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doppel-cli-"));
  await withDoppel(async (doppel) => {
    assert.match(
      (await doppel("token", "list")).error,
      /no admin secret: .*admin_secret/,
    );
    writeFileSync(join(folder, "admin_secret"), SECRET + "\n");
    assert.equal((await doppel("token", "list")).out, "none\n");
  }, { ADMIN_SECRET: "", DOPPEL_DATA: folder });
  assert.equal(
    readFileSync(join(folder, "admin_secret"), "utf8"),
    SECRET + "\n",
  );
  rmSync(folder, { recursive: true });
});
