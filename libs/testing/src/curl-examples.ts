/** The request that an example of the documentation makes. */
export interface CurlExample {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As it is written; undefined when there is none. */
  readonly body: string | undefined;
}

/** A word of a shell's line: quoted in one way or the other, or with neither blank nor quote in it. */
const word = /'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s'"]+)/g;

/**
 * The requests of a page's examples, in their order: of its `sh` blocks that are a curl command. `variables` stand for `$NAME` within double
 * quotes. Throws on what this does not understand, so that no example is skipped unseen.
 */
export function curlExamples(markdown: string, variables: Readonly<Record<string, string>>): CurlExample[] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
  return blocks.map((block) => requestOf(wordsOf(block.replaceAll('\\\n', ' '), variables)));
}

function wordsOf(line: string, variables: Readonly<Record<string, string>>): string[] {
  const variable = (_: string, name: string): string => {
    const value = variables[name];
    if (value === undefined) throw new Error(`An example has the variable ${name}, which has no value.`);
    return value;
  };
  return [...line.matchAll(word)].map(
    ([, single, double, bare]) =>
      single ?? double?.replaceAll(/\$(\w+)/g, variable).replaceAll('\\"', '"') ?? bare ?? '',
  );
}

function requestOf([command, ...words]: readonly string[]): CurlExample {
  if (command !== 'curl') throw new Error(`An example begins with ${command}, not with curl.`);
  let method: string | undefined;
  let url: URL | undefined;
  let body: string | undefined;
  const headers: Record<string, string> = {};
  const rest = words.values();
  for (const option of rest) {
    if (option === '-X') method = rest.next().value;
    else if (option === '-d') body = rest.next().value;
    else if (option === '-H') {
      const [name = '', value = ''] = rest.next().value?.split(/: ?(.*)/s) ?? [];
      headers[name.toLowerCase()] = value;
    } else if (option.startsWith('http:')) url = new URL(option);
    else if (option !== '-i') throw new Error(`An example has the option ${option}, which is not understood here.`);
  }
  if (url === undefined) throw new Error('An example has no URL.');
  return { method: method ?? (body === undefined ? 'GET' : 'POST'), path: url.pathname + url.search, headers, body };
}
