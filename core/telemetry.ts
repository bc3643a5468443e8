/**
 * Entries as OpenTelemetry's semantic conventions for generative AI: a span
 * and two histograms each, through whatever API object the runtime has put in
 * its place (Deno does, with `OTEL_DENO=true`; no package is needed).
 *
 * @module
 */

import type { Entry } from "./ledger.ts";

/** By name. */
export type Attributes = Readonly<Record<string, string | number>>;

/** As much of OpenTelemetry's API object (`opentelemetry.js.api.1`) as is used. */
export interface TelemetryApi {
  /** Spans. */
  readonly trace: {
    getTracer(name: string): {
      startSpan(name: string, options: {
        kind: number;
        startTime: number;
        attributes: Attributes;
      }): { end(time: number): void };
    };
  };
  /** Histograms. */
  readonly metrics: {
    getMeter(name: string): {
      createHistogram(name: string, options: { unit: string }): {
        record(value: number, attributes: Attributes): void;
      };
    };
  };
}

/** `SpanKind.CLIENT`. */
const CLIENT = 2;
const PROVIDERS: Readonly<Record<string, string>> = { gemini: "gcp.gemini" };
const OPERATIONS: Readonly<Record<string, string>> = { inference: "chat" };

/** Shows each entry it is given. */
export function createTelemetry(api: TelemetryApi): (entry: Entry) => void {
  const tracer = api.trace.getTracer("doppel");
  const meter = api.metrics.getMeter("doppel");
  const tokens = meter
    .createHistogram("gen_ai.client.token.usage", { unit: "{token}" });
  const duration = meter
    .createHistogram("gen_ai.client.operation.duration", { unit: "s" });
  return (entry) => {
    const { usage, ms } = entry;
    const common = attributesOf(entry);
    const startTime = Date.parse(entry.time);
    const name = `${common["gen_ai.operation.name"]} ${entry.model}`.trim();
    const attributes = { ...common, ...detailsOf(entry) };
    const options = { kind: CLIENT, startTime, attributes };
    tracer.startSpan(name, options).end(startTime + ms);
    duration.record(ms / 1000, common);
    for (const type of ["input", "output"] as const) {
      const labels = { ...common, "gen_ai.token.type": type };
      if (usage[type]) tokens.record(usage[type], labels);
    }
  };
}

function attributesOf({ endpoint, provider, model, ...rest }: Entry) {
  const error = rest.refused ?? (rest.status >= 400 ? `${rest.status}` : "");
  return {
    "gen_ai.operation.name": OPERATIONS[endpoint] ?? endpoint,
    "gen_ai.provider.name": PROVIDERS[provider] ?? provider,
    ...(model && { "gen_ai.response.model": model }),
    ...(error && { "error.type": error }),
  };
}

function detailsOf({ id, token, status, usage, cost, state }: Entry) {
  return {
    "http.response.status_code": status,
    "gen_ai.usage.input_tokens": usage.input ?? 0,
    "gen_ai.usage.output_tokens": usage.output ?? 0,
    "doppel.request.id": id,
    "doppel.token.id": token,
    "doppel.usage.state": state,
    ...(cost !== undefined && { "doppel.cost.micro_dollars": cost }),
  };
}
