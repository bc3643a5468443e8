/**
 * Debian's Chromium, driven by playwright-core: pages that remember what they
 * asked for, what they broke, and whether what they show fits.
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
/** Where they are kept. */
export const SHOTS = fileURLToPath(new URL("../.test/shots/", import.meta.url));

/** Whether Debian's `chromium` is here; `CI` makes its absence a failure. */
export function chromiumInstalled(): boolean {
  const there = existsSync(CHROMIUM);
  if (!there && process.env.CI) throw new Error("chromium is not installed");
  return there;
}

/** A test without a sandbox of its own: CI is root, and every page is ours. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}

/** What a page has done that it must not. */
export interface Watched {
  readonly page: Page;
  /** URLs asked for, in order. */
  readonly asked: readonly string[];
  /** Violations of the policy, uncaught errors, dialogs, other origins; empty is good. */
  readonly wrong: readonly string[];
}

/** Looks at all that the page does from its first request on. */
export async function watched(page: Page, origin: string): Promise<Watched> {
  const asked: string[] = [];
  const wrong: string[] = [];
  page.on("request", (request) => {
    const url = request.url();
    asked.push(url);
    // What is downloaded is made in the page.
    const own = url.startsWith(`${origin}/`) ||
      url.startsWith(`blob:${origin}`);
    if (!own && !url.startsWith("data:")) wrong.push(`asked for ${url}`);
  });
  page.on("pageerror", (error) => wrong.push(`threw ${error.message}`));
  page.on("dialog", (dialog) => {
    wrong.push(`opened a dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  page.on("console", (message) => {
    const text = message.text();
    if (/Content.Security.Policy|Refused to/i.test(text)) wrong.push(text);
  });
  await page.exposeFunction(
    "violated",
    (what: string) => void wrong.push(`violated ${what}`),
  );
  await page.addInitScript({
    content: `document.addEventListener("securitypolicyviolation", (event) =>
      violated(event.effectiveDirective + ": " + event.blockedURI));`,
  });
  return { page, asked, wrong };
}

/** The looks that every view is kept in. */
export const LOOKS = {
  light: { colorScheme: "light", width: 1280, height: 800 },
  dark: { colorScheme: "dark", width: 1280, height: 800 },
  phone: { colorScheme: "light", width: 360, height: 740 },
} as const;

/** Keeps what the page shows under `.test/shots/`, in every look; tells what does not fit. */
export async function shots(page: Page, name: string): Promise<string[]> {
  mkdirSync(SHOTS, { recursive: true });
  const faults: string[] = [];
  for (const [look, { colorScheme, ...size }] of Object.entries(LOOKS)) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    await settled(page);
    faults.push(
      ...(await overflows(page)).map((fault) => `${name} ${look}: ${fault}`),
    );
    await page.screenshot({ path: `${SHOTS}${name}-${look}.png` });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light" });
  await settled(page);
  return faults;
}

/** Two frames later: what is to be drawn has been. */
export async function settled(page: Page) {
  await page.evaluate(`new Promise((resolve) =>
    requestAnimationFrame(() => requestAnimationFrame(() => resolve())))`);
}

/** The page scrolls sideways, something stands out of it that no box scrolls or hides, or one cell covers another. */
export function overflows(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const width = document.documentElement.clientWidth;
    const faults = [];
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > width) faults.push("scrolls: " + scrollWidth);
    const held = (element) => element && element !== document.body &&
      (getComputedStyle(element).overflowX !== "visible" ||
        held(element.parentElement));
    for (const element of document.body.querySelectorAll("*")) {
      const { left, right, width: own } = element.getBoundingClientRect();
      if (own === 0 || left >= -1 && right <= width + 1) continue;
      if (held(element.parentElement)) continue;
      faults.push(element.outerHTML.slice(0, 100) + " at " + left + "-" + right);
    }
    // What is in a cell that is in sight is not under another cell.
    for (const cell of document.querySelectorAll("td, th")) {
      const text = document.createRange();
      text.selectNodeContents(cell);
      const [of, box] = [text, cell].map((one) => one.getBoundingClientRect());
      const x = Math.min(of.right, box.right) - 3;
      const over = document.elementFromPoint(x, (of.top + of.bottom) / 2);
      const cover = over?.closest("td, th");
      if (of.width === 0 || !cover || cover === cell) continue;
      if (cover.parentElement !== cell.parentElement) continue;
      // One that stays in sight while the others scroll under it may.
      const list = cell.closest(".table");
      if (list && list.scrollWidth > list.clientWidth) continue;
      faults.push(cell.outerHTML.slice(0, 100) + " is covered");
    }
    return faults.slice(0, 5);
  })()`);
}

const AXE = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/** Serious and critical faults that axe-core finds, run in a world of its own: the page's policy lets no script in. */
export async function barriers(page: Page, name: string): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  try {
    const { frameTree } = await session.send("Page.getFrameTree");
    const { executionContextId: contextId } = await session.send(
      "Page.createIsolatedWorld",
      { frameId: frameTree.frame.id, worldName: "axe" },
    );
    const run = `${AXE}; axe.run(document, { resultTypes: ["violations"] })
      .then(({ violations }) => violations
        .filter(({ impact }) => ["serious", "critical"].includes(impact))
        .map(({ id, nodes }) => id + ": " + nodes.slice(0, 3)
          .map(({ html, failureSummary }) => html.slice(0, 200) + " " +
            failureSummary.replace(/\\s+/g, " ").slice(0, 200)).join(" | ")))`;
    const { result, exceptionDetails } = await session.send(
      "Runtime.evaluate",
      { expression: run, contextId, awaitPromise: true, returnByValue: true },
    );
    assert.equal(exceptionDetails, undefined, exceptionDetails?.text);
    return (result.value as string[]).map((fault) => `${name}: ${fault}`);
  } finally {
    await session.detach();
  }
}
