import type { HttpAnswer } from '../../domain/answers/interpret-answer.ts';

const dataOf = (answer: HttpAnswer): unknown => {
  if (answer.kind !== 'response' || answer.status !== 200) return undefined;
  try {
    const parsed: unknown = JSON.parse(answer.body);
    return typeof parsed === 'object' && parsed !== null && 'data' in parsed ? parsed.data : parsed;
  } catch {
    return undefined;
  }
};

/** The version in an answer to `GET /info` (since March 2025), bare or in the API's envelope. */
export function versionInInfo(answer: HttpAnswer): string | undefined {
  const data = dataOf(answer);
  if (typeof data !== 'object' || data === null || !('version' in data)) return undefined;
  return typeof data.version === 'string' && data.version !== '' ? data.version.replace(/^VyOS\s+/, '') : undefined;
}

/** The version in an answer to `show version`, which is a text for people. A crashed script is a success with a traceback. */
export function versionInShow(answer: HttpAnswer): string | undefined {
  const data = dataOf(answer);
  return typeof data === 'string' ? /^Version:\s+VyOS\s+(\S+)/m.exec(data)?.[1] : undefined;
}
