/** Thrown once, naming every variable that is missing or wrong; never their values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The settings are not complete:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

type Fallback<T> = { readonly fallback?: T };

/** Reads settings and collects what is wrong with them; `finish` throws once for all. */
export interface EnvReader {
  text(name: string, options?: Fallback<string> & { pattern?: RegExp; hint?: string }): string;
  optionalText(name: string): string | undefined;
  integer(name: string, options?: Fallback<number> & { min?: number; max?: number }): number;
  flag(name: string, options?: Fallback<boolean>): boolean;
  url(name: string, options?: Fallback<string>): string;
  /** A comma list; blanks around items and empty items are dropped. */
  list(name: string): readonly string[];
  /** Notes a problem that only the caller can see (two settings that contradict each other). */
  reject(problem: string): void;
  /** Gives `config` back, or throws a ConfigError that names every problem. */
  finish<T>(config: T): T;
}

/** Reads `env`, where an empty value is the same as none. */
export function envReader(env: NodeJS.ProcessEnv): EnvReader {
  const problems: string[] = [];
  const value = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const missing = <T>(name: string, fallback: T | undefined, stand: T): T => {
    if (fallback === undefined) problems.push(`${name} is missing`);
    return fallback ?? stand;
  };

  return {
    text(name, options = {}) {
      const text = value(name);
      if (text === undefined) return missing(name, options.fallback, '');
      if (options.pattern && !options.pattern.test(text))
        problems.push(`${name} must be ${options.hint ?? `like ${options.pattern}`}`);
      return text;
    },
    optionalText: value,
    integer(name, options = {}) {
      const text = value(name);
      if (text === undefined) return missing(name, options.fallback, 0);
      const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
      const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!(number >= min && number <= max)) problems.push(`${name} must be a whole number from ${min} to ${max}`);
      return number;
    },
    flag(name, options = {}) {
      const text = value(name);
      if (text === undefined) return missing(name, options.fallback, false);
      if (/^(1|true|yes|on)$/i.test(text)) return true;
      if (!/^(0|false|no|off)$/i.test(text)) problems.push(`${name} must be true or false`);
      return false;
    },
    url(name, options = {}) {
      const text = value(name);
      if (text === undefined) return missing(name, options.fallback, '');
      if (!URL.canParse(text)) problems.push(`${name} must be a URL`);
      return text;
    },
    list: (name) =>
      (value(name) ?? '')
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    reject: (problem) => {
      problems.push(problem);
    },
    finish(config) {
      if (problems.length > 0) throw new ConfigError(problems);
      return config;
    },
  };
}
