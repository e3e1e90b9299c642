/**
 * A table as Python's tabulate prints it in its "simple" format: two blanks between columns, dashes below the head.
 * Columns of numbers stand to the right.
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly string[] = [],
): string {
  const cells = rows.map((row) => row.map((cell) => cell.split('\n')));
  const widths = head.map((title, at) => {
    const longest = Math.max(0, ...cells.flatMap((row) => row[at] ?? []).map((line) => line.length));
    return Math.max(longest, title.length + 2);
  });
  const line = (parts: readonly string[]): string =>
    `${parts
      .map((part, at) =>
        numbers.includes(head[at] ?? '') ? part.padStart(widths[at] ?? 0) : part.padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd()}\n`;
  const body = cells.flatMap((row) => {
    const height = Math.max(...row.map((lines) => lines.length));
    return Array.from({ length: height }, (_, at) => line(row.map((lines) => lines[at] ?? '')));
  });
  return line(head) + line(widths.map((width) => '-'.repeat(width))) + body.join('');
}
