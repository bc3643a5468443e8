/** Whatever anybody wrote, into a label, a note, a model's id, an API's error or a file, the owner's page shows as text. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Page } from "playwright-core";
import { barriers, chromiumInstalled, shots } from "./browser.ts";
import { XSS } from "./page_origin.ts";
import { onPage, type PageStage } from "./page_stage.ts";
import { go, signIn, VIEWS } from "./page_steps.ts";

/** Elements that this page has no use for, beside its own script and style. */
const FOREIGN = [
  "body script",
  "body style",
  "head script ~ script",
  "head style ~ style",
  "iframe",
  "object",
  "embed",
  "img",
  "base",
  "[onerror], [onload], [onclick]",
  "a[href^='javascript' i]",
].join(", ");

if (chromiumInstalled()) {
  Deno.test("what anybody wrote is text on every view of the page", () =>
    onPage({}, async (stage) => {
      await write(stage);
      const { page, wrong } = stage;
      await signIn(stage);
      const faults: string[] = [];
      const seen: string[] = [];
      for (const view of VIEWS) {
        await go(stage, view);
        faults.push(...await foreign(page, view));
        faults.push(...await shots(page, `text-${view}`));
        faults.push(...await barriers(page, view));
        seen.push(await page.locator("body").innerText());
      }
      assert.deepEqual([...faults, ...wrong], []);
      const all = seen.join("\n");
      for (const text of XSS.slice(0, 10)) {
        assert.ok(all.includes(text), `nowhere: ${text}`);
      }
    }));
}

/** Puts all of the corpus wherever the owner, a holder or an API may write. */
async function write({ admin, ask, origin }: PageStage) {
  const made: { id: string; token: string }[] = [];
  for (const text of XSS) {
    const body = {
      label: text,
      note: text,
      models: [text, "*"],
      providers: ["openai"],
    };
    made.push(await admin("POST", "/admin/tokens", body) as typeof made[0]);
    const key = {
      provider: "openai",
      key: `sk-canary-${made.length}`,
      note: text,
    };
    await admin("POST", "/admin/credentials", { ...key, models: [text, "*"] });
  }
  const lab = { origin: origin.url, models: XSS };
  await admin("PUT", "/admin/providers/lab", lab);
  await admin("POST", "/admin/credentials", {
    provider: "lab",
    key: "sk-canary-lab",
    id: "lab-main",
    note: XSS.join(" "),
  });
  const printable = XSS.filter((text) => /^[\x21-\x7e]+$/.test(text));
  await admin("PUT", "/admin/aliases/odd", {
    to: printable.map((text) => `lab/${text}`),
  });
  await admin("POST", "/admin/import", file());
  for (const { token } of made.slice(0, 3)) {
    for (const text of XSS.slice(0, 3)) {
      await ask({ token, model: text });
      await ask({ token, model: `broken ${text}` });
    }
  }
  // What was used is written down once a second.
  await new Promise((resolve) => setTimeout(resolve, 1500));
}

/** An export that somebody has edited. */
function file() {
  const tokens = XSS.map((text, i) => ({
    id: `xssxss${`${i}`.padStart(2, "0")}`,
    hash: createHash("sha256").update(`${i}`).digest("hex"),
    last4: text.slice(0, 4),
    label: text,
    note: text,
    providers: ["openai"],
    models: [text],
    endpoints: ["inference"],
    addresses: [],
    isolated: false,
    abort: "cancel",
    exactUsage: false,
    clamp: false,
    limits: {},
    status: "active",
    created: 1_800_000_000,
    createdBy: text,
  }));
  return { version: 2, tokens };
}

function foreign(page: Page, view: string): Promise<string[]> {
  return page.evaluate(
    ({ FOREIGN, view }) =>
      [...document.querySelectorAll(FOREIGN)]
        .map(({ outerHTML }) => `${view} holds ${outerHTML.slice(0, 100)}`),
    { FOREIGN, view },
  );
}
