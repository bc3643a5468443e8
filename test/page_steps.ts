/** What an owner does on the page, step by step, by what he sees there. */

import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { keepSecret } from "./evidence.ts";
import type { PageStage } from "./page_stage.ts";

/** By the part of the address behind `#/`. */
export const VIEWS = [
  "tokens",
  "usage",
  "live",
  "keys",
  "providers",
  "audit",
  "settings",
] as const;

export type View = typeof VIEWS[number];

/** The page, and its owner in it. */
export async function signIn(
  { page, doppel, secret }: PageStage,
  remember = false,
) {
  await page.goto(`${doppel.url}/admin`);
  await page.getByLabel("Admin secret").fill(secret);
  if (remember) await page.getByLabel(/Remember/).check();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").waitFor();
}

/** To a view, by its link; it has loaded when it asks for nothing more. */
export async function go({ page }: PageStage, view: View) {
  const name = view.charAt(0).toUpperCase() + view.slice(1);
  const link = page.getByRole("navigation").getByRole("link", { name });
  await link.click();
  await page.locator("nav [aria-current=page]", { hasText: name }).waitFor();
  assert.ok(page.url().endsWith(`#/${view}`));
  if (view !== "live") await page.waitForLoadState("networkidle");
}

/** An open dialog, by its title. */
export function dialogOf(page: Page, title: string): Locator {
  return page.getByRole("dialog", { name: title, exact: true });
}

/** The row of a list that holds a text. */
export function rowOf(page: Page, text: string): Locator {
  return page.locator("tbody tr", { hasText: text });
}

/** A word at the foot of the page. */
export function notice(page: Page, text: string): Locator {
  return page.locator(".notice", { hasText: text }).last();
}

/** A token for OpenAI, by the form; answers its value. */
export async function mint(
  { page }: PageStage,
  label: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<string> {
  await page.getByRole("button", { name: "Mint a token" }).click();
  const form = dialogOf(page, "Mint a token");
  await form.getByLabel("Label").fill(label);
  await form.getByLabel("openai", { exact: true }).check();
  for (const [name, value] of Object.entries(fields)) {
    await form.getByLabel(name).fill(value);
  }
  await form.getByRole("button", { name: "Mint" }).click();
  const shown = dialogOf(page, `Token for ${label}`);
  const token = await shown.locator("[data-token]").innerText();
  keepSecret(token);
  await shown.getByRole("button", { name: "Done" }).click();
  await shown.waitFor({ state: "detached" });
  return token;
}

/** Where any of the secrets is kept, or shown, or in an address. */
export function secretsIn(page: Page, secrets: string[]): Promise<string[]> {
  return page.evaluate((secrets) => {
    const fields = [...document.querySelectorAll("input, textarea, select")]
      .map((field) => (field as HTMLInputElement).value);
    const places: Record<string, string> = {
      address: location.href,
      title: document.title,
      document: document.documentElement.outerHTML,
      fields: fields.join("\n"),
      localStorage: JSON.stringify({ ...localStorage }),
      sessionStorage: JSON.stringify({ ...sessionStorage }),
      history: JSON.stringify(history.state),
      cookie: document.cookie,
      asked: performance.getEntries().map(({ name }) => name).join("\n"),
    };
    return Object.entries(places)
      .filter(([, text]) => secrets.some((secret) => text.includes(secret)))
      .map(([place]) => place);
  }, secrets);
}
