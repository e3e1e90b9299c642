import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { MailTransport } from '../../app/mails/mail-outbox.ts';
import { compose, type Sender } from './compose.ts';

/** Puts mails into a folder instead of sending them, a file each, for its owner alone, since they hold tokens. */
export function folderTransport(folder: string, from: Sender): MailTransport {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  return {
    description: `folder ${folder}`,
    async send(mail) {
      const { message } = await composer.sendMail(compose(mail, from));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // A repeat takes the same name, so that there is one file for one mail.
      const path = join(folder, `${mail.createdAt.toISOString().replaceAll(/[:.]/g, '-')}-${mail.id}.eml`);
      const unfinished = `${path}.${process.pid}`;
      const file = await open(unfinished, 'w', 0o600);
      try {
        await file.writeFile(message as Buffer); // `buffer: true` gives one
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
    },
  };
}
