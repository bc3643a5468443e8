/** Whatever anybody wrote, into a label, a note, a model's id, an API's error or a file, the owner's page shows as text. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Page } from "playwright-core";
import { barriers, chromiumInstalled, shots } from "./browser.ts";
import { XSS } from "./page_origin.ts";
import { onPage, type PageStage } from "./page_stage.ts";
import { go, signIn, type View, VIEWS } from "./page_steps.ts";

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
        await DEEPER[view]?.(stage);
        faults.push(...await foreign(page, `${view}, deeper`));
        faults.push(...await barriers(page, `${view}, deeper`));
        seen.push(await page.locator("body").innerText());
        await page.keyboard.press("Escape");
      }
      assert.deepEqual([...faults, ...wrong], []);
      const all = seen.join("\n");
      for (const text of XSS.slice(0, 10)) {
        assert.ok(all.includes(text), `nowhere: ${text}`);
      }
    }));
}

/** What else a view shows when it is asked. */
const DEEPER: Partial<Record<View, (stage: PageStage) => Promise<void>>> = {
  async tokens({ page }) {
    await page.getByRole("searchbox").fill("iframe");
    await page.locator("tbody button.name").first().click();
    const label = page.getByRole("dialog").getByLabel("Label");
    assert.equal(await label.inputValue(), XSS[5]);
  },
  async usage({ page }) {
    await page.getByLabel("Split by").selectOption("token");
    await page.locator("main").getByText(XSS[0]).first().waitFor();
    await page.getByLabel("Split by").selectOption("model");
    await page.locator("main").getByText(XSS[2]).first().waitFor();
  },
  async live({ page, ask, admin }) {
    const { token } = await admin("POST", "/admin/tokens", {
      label: XSS[1],
      providers: ["openai"],
    }) as { token: string };
    await ask({ token, model: XSS[2] });
    await page.locator("main").getByText(XSS[1]).first().waitFor();
  },
  async keys({ page }) {
    await page.getByRole("button", { name: "Edit lab-main" }).click();
    const note = page.getByRole("dialog").getByLabel(/^Note/);
    assert.equal(await note.inputValue(), XSS.join(" "));
  },
  async providers({ page }) {
    const models = { name: "Models of openai", exact: true };
    await page.getByRole("button", models).click();
    await page.locator("main").getByText(XSS[5]).first().waitFor();
  },
  async settings({ page }) {
    await page.getByLabel("Import a file").setInputFiles({
      name: "<img src=x onerror=alert(1)>.json",
      mimeType: "application/json",
      buffer: Buffer.from(JSON.stringify(
        { version: XSS[0], tokens: [XSS[1]], [XSS[2]]: XSS[3] },
      )),
    });
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByRole("alert").first().waitFor();
  },
};

/** What is usual in a row; what is more scrolls in the list. */
const FULL = {
  providers: ["openai", "anthropic"],
  limits: { budget: { day: 5_000_000 } },
};

/** Puts all of the corpus wherever the owner, a holder or an API may write. */
async function write({ admin, ask, origin }: PageStage) {
  const made: { id: string; token: string }[] = [];
  for (const text of XSS) {
    const body = {
      label: text,
      note: text,
      models: [text, "*"],
      providers: ["openai"],
      ...made.length === 0 && FULL,
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
