import { parseArgs } from 'node:util';

/** What `npm run up` and `npm run down` are asked for. */
export interface CommandLine {
  readonly json: boolean;
  readonly stateFolder: string;
  readonly replicas: number;
  readonly help: boolean;
}

/** A wrong argument or setting, said to the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `npm run up -- [--json] [--state <folder>] [--replicas <n>]
npm run down -- [--state <folder>]

  --json            one line of JSON on standard output once everything is ready, nothing else
  --state <folder>  where data, logs and keys are kept; with PORT, several systems run side by side (default .berth)
  --replicas <n>    how many of each service; the gateways share one port (default 1)

Settings from the environment: PORT (8800; 0: a free one), HOST (127.0.0.1), GRPC_PORT, DATABASE_URL, NATS_URL, VYOS_IP and
the other VYOS_ and BERTH_ settings. Without VYOS_IP a simulated router is used; BERTH_SIMULATOR_LATENCY is its preset,
BERTH_SIMULATOR_PROFILE its version (1.3, 1.4, 1.5-2024, 1.5-2025 or 1.5-2026).`;

export function readCommandLine(args: readonly string[], defaultStateFolder: string): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        state: { type: 'string', default: defaultStateFolder },
        replicas: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
    const replicas = wholeNumber('--replicas', values.replicas, 1, 16);
    return { json: values.json, stateFolder: values.state, replicas, help: values.help };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A port from the environment; undefined when it is not set. */
export function portSetting(name: string): number | undefined {
  const text = process.env[name];
  return text ? wholeNumber(name, text, 0, 65_535) : undefined;
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${name} has to be a whole number from ${min} to ${max}.`);
}
