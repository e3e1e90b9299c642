import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestScope } from './test-scope.ts';

/** A span of a trace, as OTLP's JSON has it. */
export interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

/** Receives the spans of this process: tracing that begins from here on sends them here, as the environment tells OpenTelemetry. */
export async function receiveSpans(scope: TestScope): Promise<readonly Span[]> {
  const spans: Span[] = [];
  const receiver = createServer(async (incoming, response) => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    spans.push(...resourceSpans.flatMap((one) => one.scopeSpans.flatMap((each) => each.spans)));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  scope.after(() => void receiver.close());
  const { port } = receiver.address() as AddressInfo;
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`;
  process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json';
  return spans;
}
