import { parseArgs } from 'node:util';
import type { LatencyPreset } from './domain/latency.ts';
import { isProfileName, type ProfileName, profileNames } from './profile/profile.ts';

export const help = `A VyOS router to talk to, on this machine.

  npm run simulator -- [options]

  --port N          port of the HTTPS API (default: chosen by the system)
  --control-port N  port of the control interface (default: chosen by the system)
  --key TEXT        an API key to accept; it is put into the configuration (default: the configuration's, else a random one)
  --key-id NAME     the key's id in the configuration (default: berth)
  --config FILE     the configuration to start with, in the shape of showConfig [] (default: a small router)
  --profile NAME    ${profileNames.join(', ')} (default: the state folder's, else 1.5-2024)
  --latency PRESET  instant (default: nothing takes time) or calibrated (as slow as a real one)
  --scale N         factor on all durations, 0.01 is a hundred times faster (default: 1)
  --state FOLDER    keep certificate, key and saved configuration there; starting again is a reboot
  --json            print one line of JSON when ready
  --help            this text
`;

export type CommandLine = {
  readonly port: number;
  readonly controlPort: number;
  readonly key: string | undefined;
  readonly keyId: string | undefined;
  readonly config: string | undefined;
  readonly profile: ProfileName | undefined;
  readonly latency: LatencyPreset;
  readonly scale: number;
  readonly state: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
};

/** Arguments that make no sense; the text says which. */
export class BadCommandLine extends Error {
  override readonly name = 'BadCommandLine';
}

/** Reads the arguments of the command line. Throws BadCommandLine. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const values = parse(args);
  const { profile } = values;
  if (profile !== undefined && !isProfileName(profile))
    throw new BadCommandLine(`unknown profile "${profile}"; known: ${profileNames.join(', ')}`);
  const latency = values.latency ?? 'instant';
  if (latency !== 'instant' && latency !== 'calibrated')
    throw new BadCommandLine('--latency must be instant or calibrated');
  return {
    port: portOf('--port', values.port),
    controlPort: portOf('--control-port', values['control-port']),
    key: values.key,
    keyId: values['key-id'],
    config: values.config,
    profile,
    latency,
    scale: scaleOf(values.scale),
    state: values.state,
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    port: text,
    'control-port': text,
    key: text,
    'key-id': text,
    config: text,
    profile: text,
    latency: text,
    scale: text,
    state: text,
    json: flag,
    help: flag,
  };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new BadCommandLine(error instanceof Error ? error.message : String(error));
  }
}

function portOf(name: string, text: string | undefined): number {
  const port = Number(text ?? '0');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new BadCommandLine(`${name} must be a port number`);
  return port;
}

function scaleOf(text: string | undefined): number {
  const scale = Number(text ?? '1');
  if (!Number.isFinite(scale) || scale < 0) throw new BadCommandLine('--scale must be a number of at least 0');
  return scale;
}
