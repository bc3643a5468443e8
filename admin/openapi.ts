/**
 * The OpenAPI 3.1 document, made from the rows that validate.
 *
 * @module
 */

import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { Operation } from "./operations.ts";

/** A JSON document (https://spec.openapis.org/oas/v3.1.0). */
export function openapi(operations: readonly Operation[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const [method = "", route = ""] = operation.route.split(" ");
    const path = route.replace(/:(\w+)/g, "{$1}");
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = describe(operation);
  }
  return {
    openapi: "3.1.0",
    info: { title: "doppel admin API", version },
    paths,
    security: [{ signature: [] }],
    components: {
      securitySchemes: {
        signature: {
          type: "http",
          scheme: "signature",
          description:
            'RFC 9421 HTTP Message Signature, hmac-sha256, tag="doppel-admin"',
        },
      },
    },
  };
}

function describe(
  { summary, route, query, body, status, answer }: Operation,
) {
  const inPath = route.includes(":id")
    ? [{ name: "id", in: "path", required: true, schema: { type: "string" } }]
    : [];
  const { properties = {} } = jsonSchema(query) as {
    properties?: Record<string, unknown>;
  };
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    schema,
  }));
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body && {
      requestBody: { required: true, content: json(jsonSchema(body)) },
    }),
    responses: {
      [status]: {
        description: summary,
        ...(answer && { content: json(jsonSchema(answer)) }),
      },
      default: {
        description: "A problem (RFC 9457)",
        content: { "application/problem+json": { schema: PROBLEM } },
      },
    },
  };
}

const PROBLEM = {
  type: "object",
  required: ["type", "title", "status"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    field: { type: "string", description: "JSON Pointer of what is wrong" },
  },
};

function json(schema: unknown) {
  return { "application/json": { schema } };
}

/** What goes over the wire; checks that JSON Schema cannot say are left to their messages. */
function jsonSchema(schema: v.GenericSchema) {
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    typeMode: "input",
    errorMode: "ignore",
  });
  return rest;
}
