import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodeToJson, toPlain, treeFromJson } from '../src/domain/config-json.ts';
import { pathExists } from '../src/domain/config-tree.ts';
import { baseline } from '../src/index.ts';
import { profileNamed } from '../src/profile/profile.ts';
import type { Answer } from '../src/router/answer.ts';
import { RealClock } from '../src/router/clock.ts';
import type { Edit } from '../src/router/configuration-store.ts';
import { editConfiguration } from '../src/router/edit-configuration.ts';
import { RouterState } from '../src/router/router-state.ts';

const profile = profileNamed('1.5-2024');
const document = await baseline();
const SUBNET = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping'.split(' ');

const newRouter = () => new RouterState(profile, new RealClock(), treeFromJson(document, profile.schema));
const running = (router: RouterState) => toPlain(nodeToJson(router.store.running));
const apply = (router: RouterState, edits: readonly Edit[]): Promise<Answer> =>
  editConfiguration(router, '/configure', edits);

const octet = fc.integer({ min: 0, max: 255 });
const address = fc.tuple(octet, octet).map(([third, fourth]) => `10.10.${third}.${fourth}`);
const port = fc.integer({ min: 1, max: 65_535 }).map(String);
const words = fc.stringMatching(/^[a-z<>&;|$ ]{1,20}$/);

/** A complete forward under a number of its own. */
const forward = fc
  .record({ rule: fc.integer({ min: 100, max: 130 }), address, port, text: words })
  .map(({ rule, address: to, port: at, text }) => {
    const base = ['nat', 'destination', 'rule', String(rule)];
    const paths = [
      ['protocol', 'tcp'],
      ['destination', 'port', at],
      ['translation', 'address', to],
      ['description', text],
    ];
    return paths.map((path): Edit => ({ op: 'set', path: [...base, ...path] }));
  });
const mapping = fc.record({ name: fc.integer({ min: 1, max: 20 }), address }).map(({ name, address: at }) => {
  const base = [...SUBNET, `vm-${name}`];
  return [
    ['mac', `52:54:00:00:02:${String(name).padStart(2, '0')}`],
    ['ip-address', at],
  ].map((path): Edit => ({ op: 'set', path: [...base, ...path] }));
});
const batch = fc.array(fc.oneof(forward, mapping), { minLength: 1, maxLength: 6 }).map((parts) => parts.flat());
/** Something that the backend refuses at once. */
const badEdit = fc.constantFrom<Edit>(
  { op: 'set', path: ['nat', 'bogus'] },
  { op: 'set', path: ['nat', 'destination', 'rule', '200', 'protocol', 'tpc'] },
  { op: 'delete', path: ['nat', 'bogus'] },
  { op: 'frob', path: ['nat'] },
);

/** The value that stands at each leaf after these sets: the last one set there. */
function lastSets(edits: readonly Edit[]): Edit[] {
  return [...new Map(edits.map((edit) => [edit.path.slice(0, -1).join('\0'), edit])).values()];
}

test('what an accepted batch sets is there afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (edits) => {
      const router = newRouter();
      const answer = await apply(router, edits);
      fc.pre(answer.kind === 'success');
      for (const { path } of lastSets(edits)) assert.ok(pathExists(router.store.running, path), path.join(' '));
    }),
    { numRuns: 150 },
  );
});

test('deleting what a batch made returns to what was before', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (edits) => {
      const router = newRouter();
      fc.pre((await apply(router, edits)).kind === 'success');
      const instances = new Set(edits.map(({ path }) => path.slice(0, path[0] === 'nat' ? 4 : 8).join('\0')));
      const deletes = [...instances].map((path): Edit => ({ op: 'delete', path: path.split('\0') }));
      assert.equal((await apply(router, deletes)).kind, 'success');
      assert.deepEqual(running(router), document);
    }),
    { numRuns: 150 },
  );
});

test('a refused edit anywhere in a batch leaves no trace of the batch', async () => {
  await fc.assert(
    fc.asyncProperty(batch, badEdit, fc.nat(), async (edits, bad, at) => {
      const router = newRouter();
      const answer = await apply(router, edits.toSpliced(at % (edits.length + 1), 0, bad));
      assert.equal(answer.kind, 'error');
      assert.deepEqual(running(router), document);
      assert.equal((await apply(router, [])).kind, 'success');
      assert.deepEqual(running(router), document);
    }),
    { numRuns: 150 },
  );
});

test('a batch and its own undoing in one request is no commit', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (edits) => {
      const router = newRouter();
      const undo = [...new Set(edits.map(({ path }) => path.slice(0, path[0] === 'nat' ? 4 : 8).join('\0')))].map(
        (path): Edit => ({ op: 'delete', path: path.split('\0') }),
      );
      assert.equal((await apply(router, [...edits, ...undo])).kind, 'success');
      assert.equal(router.counters.commits, 0);
      assert.deepEqual(running(router), document);
    }),
    { numRuns: 100 },
  );
});

test('saving gives the same as copying, whatever was committed before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { maxLength: 4 }), async (batches) => {
      const router = newRouter();
      for (const edits of batches) {
        await apply(router, edits);
        await apply(router, [{ op: 'delete', path: edits[0]?.path.slice(0, -1) ?? [] }]);
        router.store.save();
        assert.deepEqual(toPlain(nodeToJson(router.store.saved)), running(router));
      }
    }),
    { numRuns: 60 },
  );
});

test('what is remembered of earlier commits never changes the verdict on a later one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 2, maxLength: 5 }), async (batches) => {
      const router = newRouter();
      for (const edits of batches) {
        const fresh = new RouterState(profile, new RealClock(), treeFromJson(running(router), profile.schema));
        assert.deepEqual(await apply(router, edits), await apply(fresh, edits));
        assert.deepEqual(running(router), running(fresh));
      }
    }),
    { numRuns: 80 },
  );
});
