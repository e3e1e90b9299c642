/** See `startBlame`. Plain data; each step gives a new one. */
export interface Blame {
  /** Not yet committed and not yet suspected. */
  readonly untested: readonly string[];
}

/** What became of a probe. `named` are those of its resources that the text names. */
export type ProbeResult =
  | { readonly kind: 'applied' }
  | {
      readonly kind: 'refused';
      readonly text: string;
      readonly named: readonly string[];
      readonly namesStranger: boolean;
    };

export interface Settled {
  readonly applied: readonly string[];
  /** With the router's words. */
  readonly rejected: ReadonlyMap<string, string>;
  /** The text of the refusals, when somebody else's configuration makes the router refuse everything. */
  readonly blocked?: string;
}

export function startBlame(resourceIds: readonly string[], _options: { readonly blockedBy?: string } = {}): Blame {
  return { untested: resourceIds };
}

export function nextProbe(_blame: Blame): readonly string[] | undefined {
  throw new Error('not yet');
}

export function observe(_blame: Blame, _probe: readonly string[], _result: ProbeResult): Blame {
  throw new Error('not yet');
}

export function settled(_blame: Blame): Settled {
  throw new Error('not yet');
}
