/** The owner's page, looked at: every view in every look, with nothing that stands out, shuts out or breaks the policy. */

import assert from "node:assert/strict";
import { barriers, chromiumInstalled, shots } from "./browser.ts";
import { go, signIn, VIEWS } from "./page_steps.ts";
import { onPage } from "./page_stage.ts";

if (chromiumInstalled()) {
  Deno.test("every view of an empty doppel fits, shuts nobody out and keeps to the policy", () =>
    onPage({}, async (stage) => {
      const { page, wrong, doppel } = stage;
      const faults: string[] = [];
      await page.goto(`${doppel.url}/admin`);
      await page.getByLabel("Admin secret").waitFor();
      faults.push(
        ...await shots(page, "door"),
        ...await barriers(page, "door"),
      );
      await signIn(stage);
      for (const view of VIEWS) {
        await go(stage, view);
        faults.push(...await shots(page, `empty-${view}`));
        faults.push(...await barriers(page, view));
      }
      assert.deepEqual([...faults, ...wrong], []);
    }));
}
