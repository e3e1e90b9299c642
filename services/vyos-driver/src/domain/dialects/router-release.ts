/** What the name of a version tells: its line, and for 1.5 (which grows all the time) the month of its build. */
export interface RouterRelease {
  readonly line: '1.3' | '1.4' | '1.5';
  /** Year and month as one number, 202511; absent when the name tells none. */
  readonly built?: number;
}

/**
 * The release of a router that names its version so (`1.3.8`, `1.4-rolling-202306010007`, `VyOS 1.5-rolling-202410210007`, `2025.11.02-0020-rolling`,
 * `1.5-stream-2025-Q2`); undefined when that is no version that Berth knows.
 */
export function releaseOf(version: string): RouterRelease | undefined {
  const name = version.replace(/^VyOS\s+/i, '');
  const [, line] = /^(1\.[345])(?!\d)/.exec(name) ?? [];
  if (line === '1.3' || line === '1.4') return { line };
  const built = buildMonth(name);
  if (line === '1.5') return { line, ...(built === undefined ? {} : { built }) };
  // Since 2025 images of the 1.5 line are named by their date alone.
  const dated = /^20\d{2}\.\d{2}/.test(name) && built !== undefined && built >= 202501;
  return dated ? { line: '1.5', built } : undefined;
}

function buildMonth(name: string): number | undefined {
  const [, streamYear, quarter] = /(20\d{2})[.-]?Q([1-4])/.exec(name) ?? [];
  // A stream image is cut before its quarter ends: in the first one of 2026 it still lacked what was mended at the end of February.
  if (streamYear !== undefined) return Number(streamYear) * 100 + (quarter === '1' ? 2 : Number(quarter) * 3);
  const [, year, month] = /(20\d{2})[.-]?(\d{2})/.exec(name) ?? [];
  return year === undefined ? undefined : Number(`${year}${month}`);
}
