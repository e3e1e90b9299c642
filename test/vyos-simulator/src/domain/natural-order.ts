/**
 * Orders names as the configuration backend lists them (like strverscmp): by the first character that differs, and by
 * value where that character belongs to a number on both sides. So "5" before "40", "vm2" before "vm10", "VM1" before
 * "vm.1" before "vm1". Of two equal numbers the one with more leading zeros comes first.
 */
export function compareNaturally(left: string, right: string): number {
  if (left === right) return 0;
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  let start = at;
  while (start > 0 && isDigit(left, start - 1)) start -= 1;
  if (isDigit(left, start) && isDigit(right, start)) {
    const leftNumber = digitsFrom(left, start);
    const rightNumber = digitsFrom(right, start);
    const byValue = Number(leftNumber) - Number(rightNumber);
    if (byValue !== 0) return byValue;
    if (leftNumber.length !== rightNumber.length) return rightNumber.length - leftNumber.length;
  }
  return left.slice(at) < right.slice(at) ? -1 : 1;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function digitsFrom(text: string, start: number): string {
  let end = start;
  while (isDigit(text, end)) end += 1;
  return text.slice(start, end);
}
