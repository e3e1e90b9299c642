import { randomBytes } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { lastly, type TestScope } from './test-scope.ts';
import { testNats } from './test-servers.ts';

/**
 * A subject prefix that nobody else uses, such as `t3f9a1c04b7e2`. After all other clean-up of the test, the streams (and
 * key-value buckets) of the test run's NATS whose name or subjects begin with it are deleted.
 */
export function freshPrefix(scope: TestScope): string {
  const prefix = `t${randomBytes(6).toString('hex')}`;
  lastly(scope, () => deleteStreams(prefix));
  return prefix;
}

async function deleteStreams(prefix: string): Promise<void> {
  const { url } = await testNats();
  const { username, password, host } = new URL(url);
  const connection = await connect({ servers: host, user: username, pass: password, timeout: 20_000 });
  try {
    const manager = await jetstreamManager(connection);
    const mine: string[] = []; // found first and deleted then: deleting while paging skips some
    for await (const { config } of manager.streams.list()) {
      if (belongsTo(prefix, config.name, config.subjects ?? [])) mine.push(config.name);
    }
    for (const name of mine) await manager.streams.delete(name);
  } finally {
    await connection.close();
  }
}

/** Names carry no dots, and may be in capitals. */
function belongsTo(prefix: string, streamName: string, subjects: readonly string[]): boolean {
  const name = streamName.replace(/^(KV|OBJ)_/, '').toLowerCase();
  return name.startsWith(prefix) || subjects.some((subject) => subject.startsWith(`${prefix}.`));
}
