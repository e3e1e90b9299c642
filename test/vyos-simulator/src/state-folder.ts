import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificate, makeCertificate } from './http/certificate.ts';

const PRIVATE = { mode: 0o600 };
const soonMs = 500;

/** A folder in which a router outlives its process: certificate, API key and saved configuration, each of mode 600. */
export class StateFolder {
  readonly path: string;
  #pending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
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

  /** The saved configuration, in the shape of `showConfig []`. */
  async saved(): Promise<unknown> {
    const text = await this.#read('config.boot.json');
    return text === undefined ? undefined : JSON.parse(text);
  }

  keepSaved(config: unknown): Promise<void> {
    return this.#write('config.boot.json', JSON.stringify(config));
  }

  /**
   * Keeps the saved configuration within half a second, however often it is saved meanwhile: writing all of it at each save would cost
   * more than the commits. Killed in between, the router comes back with an older saved configuration, as after a power cut.
   */
  keepSavedSoon(config: () => unknown): void {
    this.#pending ??= new Promise<void>((resolve) => {
      this.#writeNow = resolve;
      this.#timer = setTimeout(resolve, soonMs);
    }).then(() => {
      this.#pending = undefined;
      return this.keepSaved(config());
    });
  }

  /** Writes at once what was to be written soon. */
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
    await writeFile(`${file}.new`, text, PRIVATE);
    await rename(`${file}.new`, file);
  }
}
