import { readFileSync } from 'node:fs';

/**
 * @typedef {{ version?: string, resolved?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} Lock
 */

/**
 * A lock file's content; undefined when there is none, or it is only half written.
 * @param {string} file
 * @returns {Lock | undefined}
 */
export function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Why node_modules is not what package-lock.json says, in words; undefined when it is. npm keeps a list of what it
 * installed in node_modules/.package-lock.json and writes it last, so an install that was broken off has none.
 * Packages that are too many do no harm; optional ones may be missing, being for other platforms.
 * @param {Lock} lock
 * @param {Lock | undefined} installed
 * @returns {string | undefined}
 */
export function whyPackagesAreStale(lock, installed) {
  if (installed === undefined) return 'there are none yet';
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (!path.includes('node_modules/')) continue; // the root and the workspaces' own folders
    const found = installed.packages[path];
    if (found === undefined) {
      if (wanted.optional === true || wanted.devOptional === true || wanted.peer === true) continue;
      return `${path} is missing`;
    }
    if (found.version !== wanted.version || found.resolved !== (wanted.resolved ?? found.resolved)) {
      return `${path} has version ${found.version ?? 'none'} instead of ${wanted.version ?? 'none'}`;
    }
  }
  return undefined;
}
