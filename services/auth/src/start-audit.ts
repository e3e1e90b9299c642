import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import type { Vault } from '@berth/vault';
import { consumeAudit } from './adapters/nats/audit/consume-audit.ts';
import { serveAudit } from './adapters/nats/audit/serve-audit.ts';
import { onDemand } from './adapters/on-demand.ts';
import { dropOldEntries } from './adapters/postgres/audit/audit-retention.ts';
import { writeAudit } from './adapters/postgres/audit/audit-rows.ts';
import { type HeadPace, sealEntries } from './adapters/postgres/audit/audit-sealer.ts';
import { openAuditSigner } from './adapters/postgres/audit/audit-signer.ts';
import { type RotationDeps, rotateOldAuditKey } from './adapters/postgres/audit/rotate-audit-key.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import { berthItself } from './app/asker.ts';

const sealEveryMs = 1_000;
/** Entries that come together are sealed together. */
const sealAfterMs = 50;
const dropEveryMs = 3_600_000;
const rotateEveryMs = 3_600_000;
const usualPace: HeadPace = { entries: 1_000, seconds: 60 };

/** The running audit log. */
export interface Audit {
  /** Entries were written: they are sealed soon. */
  readonly written: () => void;
  /** What a new key needs. */
  readonly rotation: RotationDeps;
  stop(): Promise<void>;
}

interface AuditDeps {
  readonly bus: Bus;
  readonly database: Database;
  readonly vault: Vault;
  /** 0: entries are kept for ever. */
  readonly keptDays: number;
  /** How old a key gets; 0: another one takes its place only when somebody asks for it. */
  readonly keyDays: number;
}

/** Starts the audit log: takes in what gateways tell, seals, signs, drops what is too old, and answers. */
export async function startAudit(
  { bus, database, vault, keptDays, keyDays }: AuditDeps,
  pace: HeadPace = usualPace,
): Promise<Audit> {
  const signer = await openAuditSigner(database, vault);
  const sealer = startSealing(bus, async () => {
    let more = true;
    while (more) ({ more } = await sealEntries(database, signer, pace));
  });
  const stopConsuming = consumeAudit({ bus, database, written: sealer.soon });
  const stopServing = serveAudit({ bus, database });
  const rotation = { signer, vault };
  const rotating = await startRotating({ bus, database, rotation, keyDays }, sealer.soon);
  const dropOld = async () => {
    while (await dropOldEntries(database, signer, keptDays));
  };
  const stopDropping =
    keptDays === 0 ? async () => {} : repeatedly(dropEveryMs, bus.log, 'dropping old audit entries', dropOld);
  return {
    written: sealer.soon,
    rotation,
    async stop() {
      await Promise.all([stopServing(), stopConsuming(), stopDropping(), rotating.stop()]);
      await sealer.stop();
    },
  };
}

/** Replaces a key that is old enough, now and each hour. */
async function startRotating(
  { bus, database, rotation, keyDays }: Omit<AuditDeps, 'vault' | 'keptDays'> & { readonly rotation: RotationDeps },
  written: () => void,
): Promise<{ stop(): Promise<void> }> {
  if (keyDays === 0) return { stop: async () => {} };
  const rotate = async () => {
    const isNew = await database.transaction(async (sql) => {
      const rotated = await rotateOldAuditKey(sql, rotation, keyDays);
      if (rotated !== undefined) await writeAudit(sql, berthItself, rotated.key.createdAt, [rotated.entry]);
      return rotated !== undefined;
    });
    if (isNew) written();
  };
  await rotate();
  return onDemand(rotateEveryMs, bus.log, 'rotating the key of the audit log', rotate);
}

/** Seals by the clock, and soon after somebody wrote. */
function startSealing(bus: Bus, seal: () => Promise<void>): { soon: () => void; stop: () => Promise<void> } {
  let waking: NodeJS.Timeout | undefined;
  let stopped = false;
  const sealer = repeatedly(sealEveryMs, bus.log, 'sealing audit entries', seal);
  const wake = async () => {
    waking = undefined;
    await seal().catch((error) => bus.log.warn({ err: error }, 'audit entries could not be sealed: tried again soon'));
  };
  let awake: Promise<void> | undefined;
  return {
    soon() {
      if (stopped || waking !== undefined) return;
      waking = setTimeout(() => {
        awake = wake();
      }, sealAfterMs);
    },
    async stop() {
      stopped = true;
      clearTimeout(waking);
      await awake;
      await sealer();
    },
  };
}
