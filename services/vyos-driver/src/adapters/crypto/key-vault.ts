import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { DomainError } from '@berth/errors';
import type { KeyVault, SealedKey } from '../../app/key-vault.ts';

/** A master key: 32 bytes, and the name that says which one encrypted something. */
export interface MasterKey {
  readonly id: string;
  readonly bytes: Buffer;
}

const ivBytes = 12;
const tagBytes = 16;

const unreadable = (message: string) => new DomainError('conflict', 'ROUTER_KEY_UNREADABLE', message);

/**
 * Encrypts routers' API keys with AES-256-GCM, bound to the router's name and the key's id, so that a row copied to another router cannot be
 * read. The first master key writes, all read. A sealed key is its IV, its tag, and the text.
 */
export class MasterKeyVault implements KeyVault {
  readonly #keys: readonly MasterKey[];

  constructor(keys: readonly MasterKey[]) {
    this.#keys = keys;
  }

  get writesWith(): string | undefined {
    return this.#keys[0]?.id;
  }

  seal(key: string, router: string, keyId: string): SealedKey {
    const master = this.#writer();
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', master.bytes, iv, { authTagLength: tagBytes });
    cipher.setAAD(boundTo(router, keyId));
    const text = Buffer.concat([cipher.update(key, 'utf8'), cipher.final()]);
    return { bytes: Buffer.concat([iv, cipher.getAuthTag(), text]), masterKeyId: master.id };
  }

  open({ bytes, masterKeyId }: SealedKey, router: string, keyId: string): string {
    const master = this.#keys.find(({ id }) => id === masterKeyId);
    if (master === undefined) {
      throw unreadable(`Its API key is encrypted with the master key ${masterKeyId}, which this driver does not have.`);
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', master.bytes, bytes.subarray(0, ivBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(boundTo(router, keyId));
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      const text = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
      return text.toString('utf8');
    } catch {
      throw unreadable(`Its API key cannot be decrypted: the master key ${masterKeyId} is another one than it was.`);
    }
  }

  fingerprint(key: string): string {
    const own = hkdfSync('sha256', this.#writer().bytes, '', 'berth router key fingerprint', 32);
    return createHmac('sha256', Buffer.from(own)).update(key).digest('hex').slice(0, 8);
  }

  #writer(): MasterKey {
    const [first] = this.#keys;
    if (first !== undefined) return first;
    throw new DomainError(
      'conflict',
      'ENCRYPTION_KEY_MISSING',
      'API keys of routers are stored encrypted, and this driver has no master key: set BERTH_ENCRYPTION_KEY_FILE or BERTH_ENCRYPTION_KEYS.',
    );
  }
}

const boundTo = (router: string, keyId: string): Buffer => Buffer.from(JSON.stringify([router, keyId]));
