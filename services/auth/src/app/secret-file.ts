/** A file in which a secret that was made at the first start is handed to the operator. */
export interface SecretFile {
  readonly path: string;
  /** Puts `text` there, readable for its owner alone, and gives it back; when the file exists already, gives what it holds. */
  takeOrMake(text: string): Promise<string>;
}
