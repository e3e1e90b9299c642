export { readMasterKeys } from './master-keys.ts';
export { type MasterKey, type Sealed, Vault } from './vault.ts';
