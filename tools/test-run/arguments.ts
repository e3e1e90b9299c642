/** What the command line of `npm test` asks for. */
export interface TestArguments {
  /** Relative to the root; none means everything. */
  readonly paths: readonly string[];
  readonly namePatterns: readonly string[];
}

/** Reads the arguments; an option that is not known ends the run, because ignoring it would test the wrong thing. */
export function readArguments(args: readonly string[]): TestArguments {
  const paths: string[] = [];
  const namePatterns: string[] = [];
  for (const arg of args) {
    const pattern = /^--test-name-pattern=(.+)$/.exec(arg)?.[1];
    if (pattern !== undefined) namePatterns.push(pattern);
    else if (arg.startsWith('-')) throw new Error(`Unknown option ${arg}; there is only --test-name-pattern=<words>.`);
    else paths.push(arg.replace(/^\.\//, '').replace(/\/$/, ''));
  }
  return { paths, namePatterns };
}
