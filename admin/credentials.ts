/**
 * Credentials: the owner's keys, kept sealed. No answer and no entry has more
 * of one than its last four characters.
 *
 * @module
 */

import { CheckedCredential } from "./check_schema.ts";
import { check } from "./credential_check.ts";
import { create, put, reseal } from "./credential_edit.ts";
import { ownOf, shown, shownOwn } from "./credential_shown.ts";
import { changeSetup, noted, recordOf } from "./edit.ts";
import { row } from "./row.ts";
import * as schema from "./setup_schema.ts";
import { found, Problem, type Work } from "./work.ts";

/** Operations on credentials. */
export const credentialRows = [
  row("GET /admin/credentials", "List the owner's keys, masked", {
    answer: schema.CredentialList,
    async run(work) {
      const setup = await work.store.readSetup();
      const own = ownOf(work).map((one) => shownOwn(one, setup));
      const stored = setup.credentials
        .map((record) => shown(record, { setup, work }));
      return { credentials: [...own, ...stored] };
    },
  }),
  row("POST /admin/credentials", "Keep a key", {
    body: schema.CreateCredential,
    status: 201,
    answer: schema.ShownCredential,
    run: create,
  }),
  row(
    "POST /admin/credentials/rotate",
    "Seal all keys anew, under the present secret",
    { answer: schema.Resealed, run: reseal },
  ),
  row("GET /admin/credentials/:id", "Show a credential, masked", {
    answer: schema.ShownCredential,
    async run(work) {
      const setup = await work.store.readSetup();
      const own = ownOf(work).find(({ id }) => id === work.id);
      if (own) return shownOwn(own, setup);
      const record = recordOf(setup, "credential", work.id);
      return shown(found(record, "credential"), { setup, work });
    },
  }),
  row(
    "PUT /admin/credentials/:id",
    "Keep a key, or change what is said of one; what is absent stays, null takes a field away",
    {
      body: schema.EditCredential,
      answer: schema.ShownCredential,
      run: (work) => put({ ...work, id: notOwn(work) }),
    },
  ),
  row("DELETE /admin/credentials/:id", "Delete a credential", {
    async run(work) {
      const id = notOwn(work);
      await changeSetup(work, { kind: "credential", id }, (was) => {
        found(was, "credential");
        const entry = noted(work, "credential.delete", { subject: id });
        return { next: undefined, entry };
      });
      await work.store.warm([id]);
    },
  }),
  row(
    "GET /admin/credentials/:id/check",
    "Ask the API whether a key works, whatever its state here, which stays",
    { answer: CheckedCredential, run: check },
  ),
  row("POST /admin/credentials/:id/warm", "Use a credential that cools", {
    answer: schema.Warmed,
    async run(work) {
      const { id, store } = work;
      const own = ownOf(work).some((one) => one.id === id);
      const setup = await store.readSetup();
      if (!own) found(recordOf(setup, "credential", id), "credential");
      const entry = noted(work, "credential.warm", { subject: id });
      return { ended: await store.warm([id], entry) };
    },
  }),
];

/** The id in the path, which must not be the environment's. */
function notOwn(work: Work<unknown, unknown>): string {
  if (!ownOf(work).some(({ id }) => id === work.id)) return work.id;
  const title = `${work.id} comes from the environment, and changes there.`;
  throw new Problem(409, title);
}
