/** The owner's page, looked at: every view in every look, with nothing that stands out, shuts out or breaks the policy. */

import assert from "node:assert/strict";
import { barriers, chromiumInstalled, overflows, shots } from "./browser.ts";
import { go, signIn, VIEWS } from "./page_steps.ts";
import { onPage } from "./page_stage.ts";
import { until } from "./subject.ts";

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

  Deno.test("what the page must not do would be seen", () =>
    onPage({}, async (stage) => {
      const { page, wrong, doppel } = stage;
      await signIn(stage);
      await page.evaluate(() => {
        const add = (html: string) =>
          document.body.insertAdjacentHTML("beforeend", html);
        add("<img src=x onerror=alert(1)>");
        add('<p style="width: 200vw; color: #eee">wide and pale</p>');
        add("<button></button>");
        fetch("https://127.0.0.1:1/").catch(() => {});
      });
      await page.evaluate(() => setTimeout(() => alert("hello")));
      await until(() => wrong.some((text) => text.includes("dialog")));
      for (const what of ["img-src", "script-src-attr", "connect-src"]) {
        await until(() => wrong.some((text) => text.includes(what)));
      }
      const seen = [...await barriers(page, "it")].join();
      assert.match(seen, /button-name/);
      await page.evaluate(() => {
        const { style } = document.body.lastElementChild as HTMLElement;
        style.width = "200vw";
      });
      assert.notDeepEqual(await overflows(page), []);
      await page.goto(doppel.url.replace("127.0.0.1", "localhost"));
      assert.ok(wrong.some((text) => text.startsWith("asked for http:")));
    }));
}
