import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import type { Vault } from '@berth/vault';
import { consumeAudit } from './adapters/nats/audit/consume-audit.ts';
import { serveAudit } from './adapters/nats/audit/serve-audit.ts';
import { dropOldEntries } from './adapters/postgres/audit/audit-retention.ts';
import { type HeadPace, sealEntries } from './adapters/postgres/audit/audit-sealer.ts';
import { openAuditSigner } from './adapters/postgres/audit/audit-signer.ts';
import { repeatedly } from './adapters/repeatedly.ts';

const sealEveryMs = 1_000;
/** Entries that come together are sealed together. */
const sealAfterMs = 50;
const dropEveryMs = 3_600_000;
const usualPace: HeadPace = { entries: 1_000, seconds: 60 };

/** The running audit log. */
export interface Audit {
  /** Entries were written: they are sealed soon. */
  readonly written: () => void;
  stop(): Promise<void>;
}

/** Starts the audit log: takes in what gateways tell, seals, signs, drops what is too old, and answers. */
export async function startAudit(
  { bus, database, vault, keptDays }: { bus: Bus; database: Database; vault: Vault; keptDays: number },
  pace: HeadPace = usualPace,
): Promise<Audit> {
  const signer = await openAuditSigner(database, vault);
  const sealer = startSealing(bus, async () => {
    let more = true;
    while (more) ({ more } = await sealEntries(database, signer, pace));
  });
  const stopConsuming = consumeAudit({ bus, database, written: sealer.soon });
  const stopServing = serveAudit({ bus, database });
  const dropOld = async () => {
    while (await dropOldEntries(database, signer, keptDays));
  };
  const stopDropping =
    keptDays === 0 ? async () => {} : repeatedly(dropEveryMs, bus.log, 'dropping old audit entries', dropOld);
  return {
    written: sealer.soon,
    async stop() {
      await Promise.all([stopServing(), stopConsuming(), stopDropping()]);
      await sealer.stop();
    },
  };
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
