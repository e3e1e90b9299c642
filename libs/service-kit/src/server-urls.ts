import type { EnvReader } from './config-reader.ts';

/** `DATABASE_URL`: a Postgres. It holds a password: it is never told. */
export function readDatabaseUrl(read: EnvReader): string {
  const text = read.url('DATABASE_URL');
  if (URL.canParse(text) && !/^postgres(ql)?:/i.test(text)) read.reject('DATABASE_URL must begin with postgres://');
  return text;
}

/** `NATS_URL`: servers of one bus, with commas between, as the bus takes them. */
export function readNatsUrl(read: EnvReader): string {
  const text = read.text('NATS_URL');
  if (text !== '' && !text.split(',').every(isNatsServer)) {
    read.reject('NATS_URL must be nats:// or tls:// addresses, with commas between');
  }
  return text;
}

/** Without a scheme it is `nats://`. */
function isNatsServer(server: string): boolean {
  const url = server.includes('://') ? server.trim() : `nats://${server.trim()}`;
  return /^(nats|tls):/.test(url) && URL.canParse(url) && new URL(url).hostname !== '';
}
