/** Where and how Python's json module gives up on a text. */
export type PythonJsonError = { readonly message: string; readonly at: number };

/** What Python's `json.loads` says about a text that is not JSON; undefined when it is (by JavaScript's rules). */
export function pythonJsonError(text: string): PythonJsonError | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    const scanner = new Scanner(text);
    try {
      scanner.value(scanner.blanks(0));
      return { message: 'Extra data', at: scanner.blanks(scanner.end) };
    } catch (error) {
      return error instanceof GivenUp
        ? { message: error.message, at: error.at }
        : { message: 'Expecting value', at: 0 };
    }
  }
}

/** "Unterminated string starting at: line 1 column 18 (char 17)" */
export function describeJsonError(text: string, { message, at }: PythonJsonError): string {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  return `${message}: line ${line} column ${column} (char ${at})`;
}

class GivenUp extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Walks a text as Python's scanner does, to find the words and the place of its complaint. */
class Scanner {
  readonly #text: string;
  end = 0;

  constructor(text: string) {
    this.#text = text;
  }

  blanks(from: number): number {
    let at = from;
    while (' \t\n\r'.includes(this.#text[at] ?? 'x')) at += 1;
    return at;
  }

  value(at: number): void {
    const start = this.#text[at];
    if (start === '{') this.#object(at);
    else if (start === '[') this.#array(at);
    else if (start === '"') this.#string(at);
    else this.#word(at);
  }

  #word(at: number): void {
    const [word] = /^(?:null|true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)/.exec(this.#text.slice(at)) ?? [];
    if (word === undefined) throw new GivenUp('Expecting value', at);
    this.end = at + word.length;
  }

  #string(start: number): void {
    for (let at = start + 1; at < this.#text.length; at += 1) {
      const char = this.#text[at] ?? '';
      if (char === '"') {
        this.end = at + 1;
        return;
      }
      if (char < ' ') throw new GivenUp('Invalid control character at', at);
      if (char !== '\\') continue;
      if (!'"\\/bfnrtu'.includes(this.#text[at + 1] ?? '"')) throw new GivenUp('Invalid \\escape', at);
      at += 1;
    }
    throw new GivenUp('Unterminated string starting at', start);
  }

  #array(start: number): void {
    let at = this.blanks(start + 1);
    if (this.#text[at] === ']') {
      this.end = at + 1;
      return;
    }
    for (;;) {
      this.value(at);
      at = this.blanks(this.end);
      if (this.#text[at] === ']') break;
      if (this.#text[at] !== ',') throw new GivenUp("Expecting ',' delimiter", at);
      at = this.blanks(at + 1);
    }
    this.end = at + 1;
  }

  #object(start: number): void {
    let at = this.blanks(start + 1);
    if (this.#text[at] === '}') {
      this.end = at + 1;
      return;
    }
    for (;;) {
      if (this.#text[at] !== '"') throw new GivenUp('Expecting property name enclosed in double quotes', at);
      this.#string(at);
      at = this.blanks(this.end);
      if (this.#text[at] !== ':') throw new GivenUp("Expecting ':' delimiter", at);
      this.value(this.blanks(at + 1));
      at = this.blanks(this.end);
      if (this.#text[at] === '}') break;
      if (this.#text[at] !== ',') throw new GivenUp("Expecting ',' delimiter", at);
      at = this.blanks(at + 1);
    }
    this.end = at + 1;
  }
}
