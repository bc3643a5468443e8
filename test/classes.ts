import { ENDPOINT_CLASSES } from "../core/provider.ts";

/** What the tests' tokens may call unless they say otherwise. */
export const UNGUARDED = Object.keys(ENDPOINT_CLASSES).filter((name) =>
  name !== "admin" && name !== "secrets"
);
