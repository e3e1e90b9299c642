import { type Static, Type } from 'typebox';
import { nullable, strict } from '../json-types.ts';

export const routerFileBody = Type.Object(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      maxLength: 64,
      description: 'What the file is called. Files are never overwritten.',
    }),
  },
  { ...strict, examples: [{ name: 'before-the-upgrade' }] },
);

const moment = Type.String({ format: 'date-time' });
const example = {
  ...{ name: 'before-the-upgrade', path: '/config/berth-backup-before-the-upgrade.boot', state: 'saved' as const },
  ...{ asked_at: '2026-01-01T12:00:00.000Z', asked_by: 'ops', saved_at: '2026-01-01T12:00:01.000Z' },
  ...{ commit_number: 17, message: null },
};

export const routerFile = Type.Object(
  {
    name: Type.String(),
    path: Type.String({ description: 'Where it is on the router.' }),
    state: Type.Enum(['asked', 'saved', 'failed'], { description: '`asked`: it waits for the router.' }),
    asked_at: moment,
    asked_by: Type.String({ description: 'The name of the key.' }),
    saved_at: nullable(moment),
    commit_number: nullable(Type.Integer({ description: 'The newest entry of the router’s history then.' })),
    message: nullable(Type.String({ description: 'Why it is not there.' })),
  },
  { $id: 'RouterFile', description: 'A whole configuration as a file on its router.', examples: [example] },
);
export type RouterFileDocument = Static<typeof routerFile>;

export const routerFileList = Type.Object(
  { items: Type.Array(Type.Ref('RouterFile#')) },
  { $id: 'RouterFileList', description: 'The newest first, at most 500.', examples: [{ items: [example] }] },
);
