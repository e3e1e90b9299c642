/** How long the last spans may take to leave. */
const sendMs = 3_000;

/**
 * Starts OpenTelemetry when an exporter is configured (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or
 * `OTEL_TRACES_EXPORTER`); otherwise loads nothing. Gives back its stop, which sends what is buffered.
 */
export async function startTracing(service: string, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const configured =
    env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_TRACES_EXPORTER'];
  if (configured === undefined || configured === '' || configured === 'none' || env['OTEL_SDK_DISABLED'] === 'true') {
    return async () => {};
  }
  env['OTEL_SERVICE_NAME'] ??= `berth-${service}`;
  env['OTEL_LOGS_EXPORTER'] ??= 'none';
  env['OTEL_METRICS_EXPORTER'] ??= 'none';
  const [{ NodeSDK }, { PgInstrumentation }, { UndiciInstrumentation }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/instrumentation-pg'),
    import('@opentelemetry/instrumentation-undici'),
  ]);
  const sdk = new NodeSDK({ instrumentations: [new PgInstrumentation(), new UndiciInstrumentation()] });
  sdk.start();
  return async () => {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, sendMs);
    await Promise.race([sdk.shutdown().catch(() => {}), late]); // a receiver that is away must not turn a stop into a failure
    clearTimeout(timer);
  };
}
