/** What an owner does on the page, step by step, by what he sees there. */

import assert from "node:assert/strict";
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
export async function signIn({ page, doppel, secret }: PageStage) {
  await page.goto(`${doppel.url}/admin`);
  await page.getByLabel("Admin secret").fill(secret);
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
