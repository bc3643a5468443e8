/**
 * What an owner does on his page, from an empty start to an import, with the
 * real `openai` client for a holder: on SQLite and on Redis, on both runtimes.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { barriers, chromiumInstalled, SHOTS, shots } from "./browser.ts";
import { keepSecret, keepText } from "./evidence.ts";
import { XSS } from "./page_origin.ts";
import { onPage, type PageStage, type StageOptions } from "./page_stage.ts";
import {
  dialogOf,
  go,
  mint,
  notice,
  rowOf,
  secretsIn,
  signIn,
} from "./page_steps.ts";
import { redisInstalled } from "./redis.ts";
import { until } from "./subject.ts";

/** Faults of looks, gathered along the way. */
type Faults = string[];

const STAGES: readonly (StageOptions & { readonly name: string })[] = [
  { name: "SQLite, on Deno", runtime: "deno" },
  { name: "Redis, on Bun", runtime: "bun", redis: true },
];

for (const { name, ...options } of STAGES) {
  if (!chromiumInstalled() || options.redis && !redisInstalled()) continue;
  Deno.test(`the owner does on the page all that he does, on ${name}`, (t) =>
    onPage(options, async (stage) => {
      const faults: Faults = [];
      const looks = async (what: string) => {
        if (options.redis) return;
        faults.push(...await shots(stage.page, what));
        faults.push(...await barriers(stage.page, what));
      };
      const step = async (what: string, body: () => Promise<void>) => {
        if (await t.step(what, body)) return;
        await stage.page.screenshot({ path: `${SHOTS}failed.png` });
        assert.fail(what);
      };
      await step("signs in, wrong and right", () => enters(stage));
      let token = "";
      await step("mints, copies, and nothing stays", async () => {
        token = await mints(stage, looks);
      });
      await step(
        "sees a stream live, and ends it",
        () => seesLive(stage, token, looks),
      );
      await step("sees what was used", () => seesUsage(stage, looks));
      await step("sees why a limit refuses", () => limits(stage, looks));
      await step("disables, enables, rotates", () => takesBack(stage, token));
      await step("deletes, takes it back, deletes", () => deletes(stage));
      await step("pauses and resumes", () => pauses(stage, looks));
      await step("orders keys, by keyboard", () => orders(stage, looks));
      await step(
        "looks at providers and their models",
        () => providers(stage, looks),
      );
      await step("exports and imports", () => carries(stage, looks));
      await step("reads what was changed", () => audits(stage, looks));
      await step(
        "keeps what was typed when the connection is lost",
        () => losesConnection(stage),
      );
      await step("leaves, and nothing stays", () => leaves(stage));
      assert.deepEqual([...faults, ...stage.wrong], []);
    }));
}

type Looks = (what: string) => Promise<void>;

async function enters(stage: PageStage) {
  const { page, doppel } = stage;
  await page.goto(`${doppel.url}/admin`);
  const field = page.getByLabel("Admin secret");
  await field.fill("wrong ".repeat(8));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "not the admin secret" })
    .waitFor();
  assert.equal(await field.inputValue(), "wrong ".repeat(8));
  await signIn(stage);
  await page.getByText("There is no token yet.").waitFor();
}

async function mints(stage: PageStage, looks: Looks) {
  const { page, ask } = stage;
  await page.getByRole("button", { name: "Mint the first" }).click();
  const form = dialogOf(page, "Mint a token");
  await form.getByLabel("Label").fill("laptop");
  await looks("token-form");
  // A field that is wrong is named, and what was typed stays.
  await form.getByLabel("Value").fill("short");
  await form.getByLabel("openai", { exact: true }).check();
  await form.getByRole("button", { name: "Mint" }).click();
  await form.getByRole("alert").filter({ hasText: "20 to 256" }).waitFor();
  await form.getByLabel("Value").fill("");
  await form.getByRole("button", { name: "Mint" }).click();
  const shown = dialogOf(page, "Token for laptop");
  const token = await shown.locator("[data-token]").innerText();
  keepSecret(token);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await shown.getByRole("button", { name: "Copy token" }).click();
  await shown.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, token);
  for (const tool of await shown.locator("option").allInnerTexts()) {
    await shown.getByLabel("Use it in").selectOption(tool);
    const snippet = await shown.locator("pre").innerText();
    assert.ok(snippet.includes(token), tool);
  }
  const told = await ask({ token });
  assert.deepEqual(told, { said: "Hi." });
  await shown.getByRole("button", { name: "Done" }).click();
  await rowOf(page, "laptop").waitFor();
  assert.deepEqual(await secretsIn(page, [token, stage.secret]), []);
  await looks("tokens");
  return token;
}

async function seesLive(stage: PageStage, token: string, looks: Looks) {
  const { page, ask } = stage;
  await go(stage, "live");
  const told = ask({ token, stream: true });
  const end = page.getByRole("button", { name: "End the request of laptop" });
  await end.waitFor();
  const bytes = () =>
    page.locator("tr", { has: end }).locator("td[data-label=Bytes]")
      .innerText();
  const first = await bytes();
  while (await bytes() === first) await page.waitForTimeout(100);
  await looks("live");
  await end.click();
  const sure = dialogOf(page, "End this request?");
  await sure.getByRole("button", { name: "End it" }).click();
  const { said, error } = await told;
  assert.match(said, /^(?:word )+$/);
  assert.match(`${error?.message}`, /ended|terminated/i);
  await end.waitFor({ state: "detached" });
}

async function seesUsage(stage: PageStage, looks: Looks) {
  const { page } = stage;
  await go(stage, "usage");
  await refreshed(page, "gpt-4o-mini");
  for (const split of ["token", "model", "provider", "credential"]) {
    await page.getByLabel("Split by").selectOption(split);
    const shown = { token: "laptop", model: "gpt-4o-mini" }[split] ?? "openai";
    await page.locator("main").getByText(shown).first().waitFor();
  }
  await looks("usage");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download CSV" }).click();
  const csv = readFileSync(await (await download).path(), "utf8");
  assert.match(csv, /credential,requests,/);
  assert.match(csv, /openai-1,/);
}

/** What was used is written down once a second: asked for until it is there. */
async function refreshed(page: Page, text: string) {
  await page.getByLabel("Split by").selectOption("model");
  const found = page.locator("main").getByText(text).first();
  while (!await found.isVisible()) {
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.waitForTimeout(200);
  }
}

async function limits(stage: PageStage, looks: Looks) {
  const { page, ask } = stage;
  await go(stage, "tokens");
  const slow = await mint(stage, "slow", { "Requests a minute": "1" });
  assert.deepEqual(await ask({ token: slow }), { said: "Hi." });
  const { error: late } = await ask({ token: slow });
  assert.deepEqual([late?.name, late?.status], ["RateLimitError", 429]);
  const poor = await mint(stage, "poor", { "Dollars a day": "0.02" });
  let told = await ask({ token: poor });
  for (let i = 0; i < 5 && !told.error; i++) told = await ask({ token: poor });
  assert.equal(told.error?.code, "insufficient_quota");
  await go(stage, "usage");
  await refreshed(page, "budget_exhausted");
  await page.getByText("A budget was used up").first().waitFor();
  await looks("usage-refused");
}

async function takesBack(stage: PageStage, token: string) {
  const { page, ask } = stage;
  await go(stage, "tokens");
  await page.getByRole("button", { name: "Disable laptop" }).click();
  await rowOf(page, "laptop").getByText("disabled").waitFor();
  const { error } = await ask({ token });
  assert.deepEqual([error?.name, error?.status], ["AuthenticationError", 401]);
  await notice(page, "disabled").getByRole("button", { name: "Undo" }).click();
  await rowOf(page, "laptop").getByText("active").waitFor();
  assert.deepEqual(await ask({ token }), { said: "Hi." });
  await page.getByRole("button", { name: "Rotate laptop" }).click();
  const shown = dialogOf(page, "Token for laptop");
  const next = await shown.locator("[data-token]").innerText();
  keepSecret(next);
  assert.notEqual(next, token);
  await page.keyboard.press("Escape");
  await shown.waitFor({ state: "detached" });
  assert.deepEqual(await ask({ token: next }), { said: "Hi." });
  assert.deepEqual(await ask({ token }), { said: "Hi." }); // in its grace
  assert.deepEqual(await secretsIn(page, [next, token]), []);
}

async function deletes(stage: PageStage) {
  const { page, ask } = stage;
  const token = await mint(stage, "lost");
  await page.getByRole("button", { name: "Delete lost" }).click();
  const word = notice(page, "taken back");
  await word.waitFor();
  assert.equal((await ask({ token })).error?.status, 401);
  await word.getByRole("button", { name: "Undo" }).click();
  await rowOf(page, "lost").getByText("active").waitFor();
  assert.deepEqual(await ask({ token }), { said: "Hi." });
  await rowOf(page, "lost").getByRole("checkbox").check();
  const selected = page.getByRole("group", { name: "Selected tokens" });
  await selected.getByRole("button", { name: "Delete" }).click();
  await notice(page, "taken back").getByRole("button", { name: "Dismiss" })
    .click();
  await rowOf(page, "lost").waitFor({ state: "detached" });
  assert.equal((await ask({ token })).error?.status, 401);
}

async function pauses(stage: PageStage, looks: Looks) {
  const { page, ask } = stage;
  await go(stage, "tokens");
  const token = await mint(stage, "patient");
  await go(stage, "settings");
  await page.getByRole("button", { name: "Pause now" }).click();
  await page.getByText("doppel is paused").waitFor();
  await looks("settings-paused");
  assert.equal((await ask({ token })).error?.status, 503);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("doppel is running").waitFor();
  assert.deepEqual(await ask({ token }), { said: "Hi." });
  await page.getByLabel("From").fill("2099-01-01T10:00");
  await page.getByRole("button", { name: "Schedule the pause" }).click();
  await page.getByText("A pause begins").waitFor();
  assert.deepEqual(await ask({ token }), { said: "Hi." });
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("doppel is running").waitFor();
}

async function orders(stage: PageStage, looks: Looks) {
  const { page, admin } = stage;
  await go(stage, "keys");
  for (const name of ["openai-a", "openai-b"]) {
    await page.getByRole("button", { name: "Add a key" }).click();
    const form = dialogOf(page, "Add a key");
    await form.getByLabel(/^Provider/).selectOption("openai");
    await form.getByLabel(/^Name/).fill(name);
    await form.getByLabel(/^Key/).fill(
      `sk-canary-${name}-77aa`,
    );
    keepSecret(`sk-canary-${name}-77aa`);
    await form.locator("button[type=submit]").click();
    await form.waitFor({ state: "detached" });
  }
  assert.deepEqual(await secretsIn(page, ["sk-canary-openai-a-77aa"]), []);
  await page.locator("#handle-openai-b").focus();
  await page.keyboard.press("ArrowDown");
  await page.getByText(/\d unsaved/).waitFor();
  await looks("keys");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("all saved").waitFor();
  const { credentials } = await admin("GET", "/admin/credentials") as {
    credentials: { id: string; priority: number }[];
  };
  const priority = (name: string) =>
    credentials.find(({ id }) => id === name)!.priority;
  assert.ok(priority("openai-b") > priority("openai-a"));
  await page.getByRole("button", { name: "Check now: openai-a" }).click();
  await page.getByText("works").first().waitFor();
}

async function providers(stage: PageStage, looks: Looks) {
  const { page } = stage;
  await go(stage, "providers");
  await page.getByRole("button", { name: "Models of openai", exact: true })
    .click();
  await page.getByText("gpt-4o-mini").first().waitFor();
  await page.getByText("<script>alert(1)</script>").first().waitFor();
  await looks("providers");
}

async function carries(stage: PageStage, looks: Looks) {
  const { page, admin, doppel } = stage;
  await go(stage, "settings");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const text = readFileSync(await (await download).path(), "utf8");
  keepText("export of the page", text);
  const table = JSON.parse(text);
  assert.deepEqual(
    table.tokens.map(({ label }: { label: string }) => label).toSorted(),
    ["laptop", "patient", "poor", "slow"],
  );
  const [first] = table.tokens;
  const other = { ...first, hash: "ab".repeat(32), previous: undefined };
  const only = (token: unknown) =>
    JSON.stringify({ version: 2, tokens: [token] });
  let files = 0;
  const bring = async (content: string) => {
    const file = join(doppel.data, `import-${files++}.json`);
    writeFileSync(file, content);
    await page.getByLabel("Import a file").setInputFiles(file);
  };
  await bring("<script>alert(1)</script>");
  await page.getByText("no export of doppel").waitFor();
  await bring(only({ ...other, label: XSS[0] })); // of a name that is taken
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "Nothing was imported" })
    .waitFor();
  await looks("settings-import");
  await bring(only({ ...other, id: "imported", label: "imported" }));
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await notice(page, "is imported").waitFor();
  const { label } = await admin("GET", "/admin/tokens/imported") as {
    label: string;
  };
  assert.equal(label, "imported");
}

async function audits(stage: PageStage, looks: Looks) {
  const { page } = stage;
  await go(stage, "audit");
  for (const action of ["rotate", "delete", "pause", "import"]) {
    await page.getByText(action).first().waitFor();
  }
  await looks("audit");
}

async function losesConnection(stage: PageStage) {
  const { page } = stage;
  await go(stage, "tokens");
  await page.getByRole("button", { name: "Mint a token" }).click();
  const form = dialogOf(page, "Mint a token");
  await form.getByLabel("Label").fill("in a tunnel");
  await form.getByLabel("openai", { exact: true }).check();
  await page.context().setOffline(true);
  await form.getByRole("button", { name: "Mint" }).click();
  await form.getByRole("alert").filter({ hasText: "does not answer" })
    .waitFor();
  assert.equal(await form.getByLabel("Label").inputValue(), "in a tunnel");
  await page.context().setOffline(false);
  await form.getByRole("button", { name: "Mint" }).click();
  const shown = dialogOf(page, "Token for in a tunnel");
  keepSecret(await shown.locator("[data-token]").innerText());
  await page.keyboard.press("Escape");
  await rowOf(page, "in a tunnel").waitFor();
}

async function leaves(stage: PageStage) {
  const { page, secret, asked, doppel } = stage;
  assert.deepEqual(await secretsIn(page, [secret]), []);
  await page.reload();
  await page.getByLabel("Admin secret").waitFor();
  await signIn(stage, true);
  await page.reload();
  await page.getByRole("navigation").waitFor(); // it is remembered, as a key
  assert.deepEqual(await secretsIn(page, [secret]), []);
  const kept = await page.evaluate(() =>
    new Promise<unknown>((resolve) => {
      const opening = indexedDB.open("doppel");
      opening.onsuccess = () => {
        const store = opening.result.transaction("keys").objectStore("keys");
        store.getAll().onsuccess = ({ target }) => {
          const keys = (target as IDBRequest<CryptoKey[]>).result;
          resolve(keys.map(({ extractable }) => ({ extractable })));
          opening.result.close();
        };
      };
    })
  );
  assert.deepEqual(kept, [{ extractable: false }]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Admin secret").waitFor();
  await page.reload();
  await page.getByLabel("Admin secret").waitFor();
  assert.equal((await page.context().cookies()).length, 0);
  assert.ok(asked.length > 50);
  assert.ok(asked.every((url) => !url.includes(secret)));
  const own = `${doppel.url}/`;
  await until(() =>
    asked.every((url) => /^(?:data|blob):/.test(url) || url.startsWith(own))
  );
}
