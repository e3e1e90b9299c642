import { readFile } from 'node:fs/promises';
import { BadCommandLine, type CommandLine, help, readCommandLine } from './command-line.ts';
import { UnreadableConfiguration } from './domain/config-json.ts';
import { NoWayBack } from './profile/migrate.ts';
import { type Simulator, startSimulator } from './start-simulator.ts';

try {
  const line = readCommandLine(process.argv.slice(2));
  if (line.help) console.log(help);
  else await run(line);
} catch (error) {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    console.error(`A port is in use: ${error.message}. Choose another one, or 0 to let the system choose.`);
  } else if (isForTheUser(error)) {
    console.error(`${error.message}\n\n${help}`);
  } else throw error;
  process.exitCode = 2;
}

function isForTheUser(error: unknown): error is Error {
  return [BadCommandLine, UnreadableConfiguration, NoWayBack].some((kind) => error instanceof kind);
}

async function run(line: CommandLine): Promise<void> {
  const simulator = await startSimulator({
    port: line.port,
    controlPort: line.controlPort,
    latency: { preset: line.latency, scale: line.scale },
    ...(line.profile === undefined ? {} : { profile: line.profile }),
    ...(line.key === undefined ? {} : { key: line.key }),
    ...(line.keyId === undefined ? {} : { keyId: line.keyId }),
    ...(line.config === undefined ? {} : { config: await readConfiguration(line.config) }),
    ...(line.state === undefined ? {} : { stateFolder: line.state }),
  });
  announce(simulator, line.json);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.stop());
}

async function readConfiguration(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new BadCommandLine(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function announce(simulator: Simulator, json: boolean): void {
  const { url, controlUrl, key, keyId, fingerprint } = simulator;
  const certificateFile = simulator.certificateFile ?? null;
  if (json) {
    console.log(
      JSON.stringify({
        url,
        control: controlUrl,
        key,
        key_id: keyId,
        fingerprint,
        certificate_file: certificateFile,
        pid: process.pid,
      }),
    );
    return;
  }
  console.log(`The router answers at ${url} (key ${key}, id ${keyId}).
Its certificate's SHA-256 is ${fingerprint}.
Control interface: ${controlUrl}
Stop it with Ctrl-C.`);
}
