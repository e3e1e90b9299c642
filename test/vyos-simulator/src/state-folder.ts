import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificate, makeCertificate } from './http/certificate.ts';

const PRIVATE = { mode: 0o600 };
const cheapMs = 20;

/** In the shape of `showConfig []`, and the name of the version whose shapes these are. */
export type SavedConfiguration = { readonly config: unknown; readonly profile: string };

/** A folder in which a router outlives its process: certificate, API key, saved configuration and its version, each of mode 600. */
export class StateFolder {
  readonly path: string;
  #pending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #restUntil = 0;
  #writes = 0;
  #writeNow: () => void = () => {};

  private constructor(path: string) {
    this.path = path;
  }

  static async open(path: string): Promise<StateFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return new StateFolder(path);
  }

  get certificateFile(): string {
    return join(this.path, 'certificate.pem');
  }

  /** The certificate kept here; made and kept when there is none. */
  async certificate(): Promise<Certificate> {
    const [key, cert] = [await this.#read('certificate-key.pem'), await this.#read('certificate.pem')];
    if (key !== undefined && cert !== undefined) return { key, cert };
    const made = await makeCertificate();
    await this.#write('certificate-key.pem', made.key);
    await this.#write('certificate.pem', made.cert);
    return made;
  }

  async key(): Promise<string | undefined> {
    return (await this.#read('api-key'))?.trim();
  }

  keepKey(key: string): Promise<void> {
    return this.#write('api-key', `${key}\n`);
  }

  /** The name of the version that the saved configuration is of. */
  async profile(): Promise<string | undefined> {
    return (await this.#read('profile'))?.trim();
  }

  /** The saved configuration, in the shape of `showConfig []`. */
  async saved(): Promise<unknown> {
    const text = await this.#read('config.boot.json');
    return text === undefined ? undefined : JSON.parse(text);
  }

  async keepSaved({ config, profile }: SavedConfiguration): Promise<void> {
    await this.#write('config.boot.json', JSON.stringify(config));
    if ((await this.profile()) !== profile) await this.#write('profile', `${profile}\n`);
  }

  /**
   * Keeps the saved configuration, before it resolves where that is cheap. Where writing all of it takes long, it is written later, so that it
   * takes a tenth of the time at most; killed in between, the router comes back with an older one, as after a power cut.
   */
  async keepWithoutHurry(saved: () => SavedConfiguration): Promise<void> {
    const wait = this.#restUntil - performance.now();
    if (this.#pending === undefined && wait <= 0) return this.#keepAndRest(saved);
    this.#pending ??= new Promise<void>((resolve) => {
      this.#writeNow = resolve;
      this.#timer = setTimeout(resolve, wait);
    }).then(() => {
      this.#pending = undefined;
      return this.#keepAndRest(saved);
    });
  }

  async #keepAndRest(saved: () => SavedConfiguration): Promise<void> {
    const begun = performance.now();
    await this.keepSaved(saved());
    const took = performance.now() - begun;
    this.#restUntil = took < cheapMs ? 0 : performance.now() + 10 * took;
  }

  /** Writes at once what was to be written later. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#writeNow();
    await this.#pending;
  }

  #read(name: string): Promise<string | undefined> {
    return readFile(join(this.path, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  }

  /** Written beside and renamed, so that a crash leaves the old or the new text. */
  async #write(name: string, text: string): Promise<void> {
    const file = join(this.path, name);
    const beside = `${file}.${++this.#writes}`;
    await writeFile(beside, text, PRIVATE);
    await rename(beside, file);
  }
}
