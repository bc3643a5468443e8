/**
 * The OpenAPI 3.1 document, made from the rows that validate.
 *
 * @module
 */

import type * as v from "valibot";
import { jsonSchema } from "./json_schema.ts";
import type { Operation } from "./row.ts";
import { ProblemBody } from "./schema.ts";

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
  { summary, route, query, body, status, answer, csv }: Operation,
) {
  const inPath = Array.from(route.matchAll(/:(\w+)/g), ([, name]) => (
    { name, in: "path", required: true, schema: { type: "string" } }
  ));
  const inQuery = Object.entries(jsonSchema(query).properties ?? {})
    .map(([name, schema]) => ({ name, in: "query", schema }));
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    requestBody: body && { required: true, content: json(body) },
    responses: {
      [status]: {
        description: summary,
        content: answer && { ...json(answer), ...(csv && CSV) },
      },
      default: {
        description: "A problem (RFC 9457)",
        content: json(ProblemBody, "application/problem+json"),
      },
    },
  };
}

const CSV = { "text/csv": { schema: { type: "string" } } };

function json(schema: v.GenericSchema, type = "application/json") {
  return { [type]: { schema: jsonSchema(schema) } };
}
