import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { DomainError } from '@berth/errors';

/** A master key: 32 bytes, and the name that says which one encrypted something. */
export interface MasterKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** A secret as it is stored. */
export interface Sealed {
  readonly bytes: Buffer;
  /** The name of the master key that it is encrypted with. */
  readonly masterKeyId: string;
}

const ivBytes = 12;
const tagBytes = 16;

/**
 * Encrypts secrets that are stored, with AES-256-GCM, bound to what they belong to, so that a row copied elsewhere cannot be read. The
 * first master key writes, all read. A sealed secret is its IV, its tag, and the text.
 */
export class Vault {
  readonly #keys: readonly MasterKey[];

  constructor(keys: readonly MasterKey[]) {
    this.#keys = keys;
  }

  /** The name of the master key that new secrets are encrypted with; undefined: there is none, and only reading may work. */
  get writesWith(): string | undefined {
    return this.#keys[0]?.id;
  }

  /** The names of all master keys, the one that writes first. */
  get keyIds(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** Throws `conflict` ENCRYPTION_KEY_MISSING. `boundTo`: what it belongs to, for example the table and the row's id. */
  seal(secret: string, boundTo: readonly string[]): Sealed {
    const master = this.#writer();
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', master.bytes, iv, { authTagLength: tagBytes });
    cipher.setAAD(bytesOf(boundTo));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return { bytes: Buffer.concat([iv, cipher.getAuthTag(), text]), masterKeyId: master.id };
  }

  /** Throws `conflict` SECRET_UNREADABLE when it was sealed with a master key that is not here, or for something else. */
  open({ bytes, masterKeyId }: Sealed, boundTo: readonly string[]): string {
    const master = this.#keys.find(({ id }) => id === masterKeyId);
    if (master === undefined) {
      throw unreadable(`It is encrypted with the master key ${masterKeyId}, which is not here.`);
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', master.bytes, bytes.subarray(0, ivBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(bytesOf(boundTo));
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      const text = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
      return text.toString('utf8');
    } catch {
      throw unreadable(`It cannot be decrypted: the master key ${masterKeyId} is another one than it was.`);
    }
  }

  /** Tells secrets of one `purpose` apart, without a way back to them: 8 hexadecimal digits. Throws `conflict` ENCRYPTION_KEY_MISSING. */
  fingerprint(secret: string, purpose: string): string {
    return fingerprintUnder(this.#writer(), secret, purpose);
  }

  /** What `fingerprint` says of the secret under each master key, the one that writes first: it is the same secret under another one. */
  fingerprints(secret: string, purpose: string): readonly string[] {
    return this.#keys.map((master) => fingerprintUnder(master, secret, purpose));
  }

  #writer(): MasterKey {
    const [first] = this.#keys;
    if (first !== undefined) return first;
    throw new DomainError(
      'conflict',
      'ENCRYPTION_KEY_MISSING',
      'Secrets are stored encrypted, and there is no master key: set BERTH_ENCRYPTION_KEY_FILE or BERTH_ENCRYPTION_KEYS.',
    );
  }
}

function fingerprintUnder(master: MasterKey, secret: string, purpose: string): string {
  const own = hkdfSync('sha256', master.bytes, '', purpose, 32);
  return createHmac('sha256', Buffer.from(own)).update(secret).digest('hex').slice(0, 8);
}

const unreadable = (message: string) => new DomainError('conflict', 'SECRET_UNREADABLE', message);

const bytesOf = (boundTo: readonly string[]): Buffer => Buffer.from(JSON.stringify(boundTo));
