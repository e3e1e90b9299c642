import type { Database } from '@berth/database';
import type { ServiceContext } from '@berth/service-kit';
import type { Vault } from '@berth/vault';
import { onDemand } from './adapters/on-demand.ts';
import { sealedAuditKeys } from './adapters/postgres/audit/audit-signer.ts';
import { sealedClientSecrets } from './adapters/postgres/identities/identity-provider-store.ts';
import { sealedAttempts } from './adapters/postgres/identities/identity-rows.ts';
import { sealedMails } from './adapters/postgres/mails/mail-rows.ts';
import type { SealedTable } from './adapters/postgres/secrets/sealed-table.ts';
import { SecretKeeper } from './adapters/postgres/secrets/secret-keeper.ts';
import { sealedSigningKeys } from './adapters/postgres/sessions/signing-key-rows.ts';
import { countingSecrets } from './adapters/secret-metrics.ts';

/** Replicas with older settings may seal with an older key for as long as they run. */
const resealEveryMs = 3_600_000;

/** Every table of auth with a `master_key_id`. */
export const sealedTables: readonly SealedTable[] = [
  sealedSigningKeys,
  sealedClientSecrets,
  sealedAttempts,
  sealedMails,
  sealedAuditKeys,
];

/** Brings stored secrets under the first master key, now and each hour, and tells which master keys are still needed. */
export async function startKeepingSecrets(
  { database, vault }: { database: Database; vault: Vault },
  { log, metrics, onStop }: Pick<ServiceContext, 'log' | 'metrics' | 'onStop'>,
): Promise<void> {
  const keeper = new SecretKeeper({ sql: database, vault, log, tables: sealedTables });
  const names = sealedTables.map(({ table }) => table);
  countingSecrets(metrics, vault.keyIds, names, () => keeper.counts());
  await keeper.reseal();
  const keeping = onDemand(resealEveryMs, log, 'sealing secrets with the first master key', async () => {
    await keeper.reseal();
  });
  onStop(() => keeping.stop()); // not a last time: whoever comes next may have another first key
}
