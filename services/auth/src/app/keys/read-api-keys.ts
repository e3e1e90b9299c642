import type { ApiKeyView } from '../../domain/keys/api-key.ts';
import { apiKeyNotFound } from '../../domain/keys/key-errors.ts';
import { pageTokenInvalid } from '../page-token.ts';
import type { ApiKeyStore, KeyChoice, PagePosition } from './api-key-store.ts';

const usualPageSize = 100;
const largestPageSize = 500;

/** One key that has not been deleted. */
export async function getApiKey(deps: { keys: ApiKeyStore }, id: string, choice: KeyChoice): Promise<ApiKeyView> {
  const key = await deps.keys.byId(id, choice);
  if (key === undefined) throw apiKeyNotFound(id);
  return key;
}

/** Keys that have not been deleted, in the order they were made. A token is good for as long as anybody keeps it. */
export async function listApiKeys(
  deps: { keys: ApiKeyStore },
  page: { size: number; token: string },
  choice: KeyChoice,
): Promise<{ keys: readonly ApiKeyView[]; nextToken: string }> {
  const size = Math.min(page.size === 0 ? usualPageSize : page.size, largestPageSize);
  const found = await deps.keys.page(page.token === '' ? undefined : positionOf(page.token), size + 1, choice);
  const keys = found.slice(0, size);
  const last = keys.at(-1);
  return { keys, nextToken: found.length > size && last !== undefined ? tokenOf(last) : '' };
}

const tokenOf = (key: PagePosition): string =>
  Buffer.from(`${key.createdAt.getTime()}/${key.id}`).toString('base64url');

function positionOf(token: string): PagePosition {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  const [, time, id] = /^(\d{1,15})\/([0-9a-f-]{36})$/.exec(text) ?? [];
  if (time === undefined || id === undefined) throw pageTokenInvalid();
  return { createdAt: new Date(Number(time)), id };
}
