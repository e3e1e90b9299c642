import { request } from 'node:https';
import type { TestContext } from 'node:test';
import type { DriverConfig } from '../../src/config.ts';
import type { World } from './driver-world.ts';
import { sending, startTlsRouter } from './tls-router.ts';

/** A way to the world's router on which the next readings of the whole configuration can be made to lack a subtree, as happens during commits. */
export interface LyingRouter {
  readonly settings: DriverConfig['router'];
  /** So many readings lack what stands at the path. */
  hide(path: readonly string[], readings: number): void;
  /** The next reading of the whole configuration is answered once this has ended. */
  duringReading(happens: () => Promise<unknown>): void;
}

export async function lyingRouter(t: TestContext, world: World): Promise<LyingRouter> {
  const front = await startTlsRouter(t);
  let hidden: readonly string[] = [];
  let left = 0;
  let happens: (() => Promise<unknown>) | undefined;
  front.answer(async (asked, response, body) => {
    const isWhole = asked.url === '/retrieve' && /"path":\[\]/.test(body);
    if (isWhole) {
      const now = happens;
      happens = undefined;
      await now?.();
    }
    const answer = await forward(world.router.url, asked.method ?? 'POST', asked.url ?? '/', body).catch(
      () => undefined,
    );
    if (answer === undefined) return void response.destroy(); // the router is away
    const { status, text } = answer;
    if (!isWhole || left === 0) return sending(status, text)(asked, response, body);
    left -= 1;
    sending(status, without(JSON.parse(text), ['data', ...hidden]))(asked, response, body);
  });
  const { port, fingerprint } = front;
  return {
    settings: { ...world.config.router, port, fingerprint },
    hide(path, readings) {
      hidden = path;
      left = readings;
    },
    duringReading(next) {
      happens = next;
    },
  };
}

function without(tree: object, path: readonly string[]): object {
  const parent = path.slice(0, -1).reduce<object>((node, name) => Object(Reflect.get(node, name)), tree);
  Reflect.deleteProperty(parent, path.at(-1) ?? '');
  return tree;
}

const forward = (base: string, method: string, path: string, body: string) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(
      new URL(path, base),
      { method, headers, rejectUnauthorized: false, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
