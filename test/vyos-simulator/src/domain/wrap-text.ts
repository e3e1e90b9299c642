const LETTER = '[\\p{L}_]';
const WORD = '[\\p{L}\\p{N}_!"\'&.,?]';
/** The pieces at which Python's textwrap may break: blanks, words, and words cut after a hyphen between letters. */
const PIECE = new RegExp(
  `( +|(?<=${WORD})-{2,}(?=[\\p{L}\\p{N}_])|[^ ]+?(?:-(?:(?<=${LETTER}{2}-)|(?<=${LETTER}-${LETTER}-))(?=${LETTER}-?${LETTER})|(?= |$)|(?<=${WORD})(?=-{2,}[\\p{L}\\p{N}_])))`,
  'u',
);

/**
 * Python's `textwrap.fill`: white space becomes blanks, lines are at most `width` long, words break at hyphens. The
 * router wraps errors at 72 (ConfigError) and warnings at 70 (Warning, which forgets to pass its width on).
 */
export function fill(text: string, width: number): string {
  const blanked = text.replace(/[\t\n\v\f\r ]/g, ' ');
  const pieces = blanked.split(PIECE).filter((piece) => piece !== '' && piece !== undefined);
  const lines: string[] = [];
  while (pieces.length > 0) {
    if (lines.length > 0 && isBlank(pieces[0])) pieces.shift();
    const line = takeLine(pieces, width);
    if (isBlank(line.at(-1))) line.pop();
    if (line.length > 0) lines.push(line.join(''));
  }
  return lines.join('\n');
}

/** Takes the pieces of one line off the front; of a piece that is longer than a line, what still fits. */
function takeLine(pieces: string[], width: number): string[] {
  const line: string[] = [];
  let length = 0;
  while (pieces.length > 0 && length + (pieces[0]?.length ?? 0) <= width) {
    const piece = pieces.shift() ?? '';
    line.push(piece);
    length += piece.length;
  }
  const next = pieces[0] ?? '';
  if (next.length <= width) return line;
  const room = Math.max(1, width - length);
  const hyphen = next.lastIndexOf('-', room - 1);
  const end = hyphen > 0 && /[^-]/.test(next.slice(0, hyphen)) ? hyphen + 1 : room;
  line.push(next.slice(0, end));
  pieces[0] = next.slice(end);
  return line;
}

const isBlank = (piece: string | undefined): boolean => piece !== undefined && piece.trim() === '';
