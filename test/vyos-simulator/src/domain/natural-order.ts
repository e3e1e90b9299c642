const DIGITS_OR_TEXT = /(\d+)/;

/**
 * Orders names as the configuration backend lists them: runs of digits by value, everything else by code point
 * ("5" before "40", "vm2" before "vm10", "VM1" before "vm1"). Of two equal numbers the one with more leading zeros
 * comes first, so "007" and "7" have a fixed order.
 */
export function compareNaturally(left: string, right: string): number {
  if (left === right) return 0;
  const leftParts = left.split(DIGITS_OR_TEXT);
  const rightParts = right.split(DIGITS_OR_TEXT);
  const shared = Math.min(leftParts.length, rightParts.length);
  for (let index = 0; index < shared; index += 1) {
    const order = comparePart(leftParts[index] ?? '', rightParts[index] ?? '', index % 2 === 1);
    if (order !== 0) return order;
  }
  return leftParts.length - rightParts.length;
}

function comparePart(left: string, right: string, isNumber: boolean): number {
  if (left === right) return 0;
  if (!isNumber) return left < right ? -1 : 1;
  const byValue = Number(left) - Number(right);
  return byValue !== 0 ? byValue : right.length - left.length;
}
