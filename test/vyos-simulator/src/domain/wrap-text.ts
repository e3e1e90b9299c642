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
  const pieces = text
    .replace(/[\t\n\v\f\r ]/g, ' ')
    .split(PIECE)
    .filter((piece) => piece !== '' && piece !== undefined);
  const lines: string[] = [];
  let line: string[] = [];
  let length = 0;
  for (const piece of pieces.flatMap((one) => cut(one, width))) {
    const isBlank = piece.trim() === '';
    if (isBlank && line.length === 0 && lines.length > 0) continue;
    if (length + piece.length > width) {
      lines.push(line.join('').trimEnd());
      line = isBlank ? [] : [piece];
      length = isBlank ? 0 : piece.length;
    } else {
      line.push(piece);
      length += piece.length;
    }
  }
  const last = line.join('').trimEnd();
  return [...lines, ...(last === '' ? [] : [last])].join('\n');
}

/** A piece longer than a line is cut into lines. */
function cut(piece: string, width: number): string[] {
  if (piece.length <= width) return [piece];
  return Array.from({ length: Math.ceil(piece.length / width) }, (_, at) => piece.slice(at * width, (at + 1) * width));
}
