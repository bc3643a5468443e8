/**
 * A Valibot schema as JSON Schema (2020-12): what goes over the wire, of the
 * kinds that the admin API uses. Checks that JSON Schema cannot say are left to
 * their messages. `@valibot/to-json-schema` says the same of every schema here,
 * which a test holds; in the bundle it would weigh 13 kB.
 *
 * @module
 */

import type * as v from "valibot";

/** A part of a schema: another schema, or an action of a pipe. */
interface Part {
  readonly type: string;
  readonly requirement?: unknown;
  readonly description?: string;
}

/** As much of Valibot's schemas as is read. */
interface Schema extends Part {
  readonly pipe?: readonly Part[];
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
  readonly wrapped?: Schema;
  readonly key?: Schema;
  readonly value?: Schema;
  readonly default?: unknown;
}

type Json = Record<string, unknown>;

/** By the type of an action; all others say nothing. */
const ACTIONS: Readonly<Record<string, (part: Part, of: Json) => Json>> = {
  min_length: ({ requirement }, { type }) =>
    type === "array" ? { minItems: requirement } : { minLength: requirement },
  max_length: ({ requirement }, { type }) =>
    type === "array" ? { maxItems: requirement } : { maxLength: requirement },
  min_value: ({ requirement }) => ({ minimum: requirement }),
  max_value: ({ requirement }) => ({ maximum: requirement }),
  integer: () => ({ type: "integer" }),
  regex: ({ requirement }) => ({ pattern: (requirement as RegExp).source }),
  description: ({ description }) => ({ description }),
};

/** By the type of a schema; `unknown` says nothing. */
const TYPES: Readonly<Record<string, (schema: Schema) => Json>> = {
  string: () => ({ type: "string" }),
  number: () => ({ type: "number" }),
  boolean: () => ({ type: "boolean" }),
  unknown: () => ({}),
  literal: ({ literal }) => ({ const: literal }),
  picklist: ({ options }) => ({ type: "string", enum: options }),
  array: ({ item }) => ({ type: "array", items: convert(item!) }),
  record: ({ key, value }) => ({
    type: "object",
    propertyNames: convert(key!),
    additionalProperties: convert(value!),
  }),
  nullable: ({ wrapped }) => ({ anyOf: [convert(wrapped!), { type: "null" }] }),
  optional,
  exact_optional: optional,
  object,
  strict_object: (schema) => ({
    ...object(schema),
    additionalProperties: false,
  }),
};

/** Throws for a kind of schema that nobody has used before. */
export function jsonSchema(schema: v.GenericSchema): Json {
  return convert(schema as unknown as Schema);
}

function convert(schema: Schema): Json {
  const { pipe = [schema] } = schema;
  const [first, ...actions] = pipe as [Schema, ...Part[]];
  let json = first === schema ? TYPES[schema.type]!(schema) : convert(first);
  for (const action of actions) {
    // Behind a transformation it is no longer what went over the wire.
    if (action.type === "transform") break;
    json = { ...json, ...ACTIONS[action.type]?.(action, json) };
  }
  return json;
}

function optional({ wrapped, default: usual }: Schema): Json {
  return {
    ...convert(wrapped!),
    ...(usual !== undefined && { default: usual }),
  };
}

function object({ entries = {} }: Schema): Json {
  const names = Object.keys(entries);
  return {
    type: "object",
    properties: Object.fromEntries(
      names.map((name) => [name, convert(entries[name]!)]),
    ),
    required: names.filter((name) =>
      !/^(?:exact_)?optional$/.test(entries[name]!.type)
    ),
  };
}
