import { WrongValue } from './field-checks.ts';

/** The longest text that goes to the router. */
export const routerTextMaxLength = 255;

/**
 * Text bound for the router, such as a description. Quotes, line breaks, control characters and a leading blank are refused, because
 * the router's own shell and configuration file would read them as something else.
 */
export function parseRouterText(text: string): string {
  if (text.length > routerTextMaxLength) throw new WrongValue(`must have at most ${routerTextMaxLength} characters`);
  if (/['"]/.test(text)) throw new WrongValue('must not contain quotes');
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) throw new WrongValue('must not contain line breaks or control characters');
  if (/^\s/.test(text)) throw new WrongValue('must not begin with a blank');
  return parsePlainText(text);
}

/** Text that can be stored: no half of a character, no control characters but tab and line breaks. */
export function parsePlainText(text: string): string {
  if (!text.isWellFormed()) throw new WrongValue('must be well-formed Unicode');
  if (/[^\P{Cc}\t\r\n]/u.test(text)) throw new WrongValue('must not contain control characters');
  return text;
}
