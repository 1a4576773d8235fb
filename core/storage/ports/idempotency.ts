/** What is known of a request with this key: nothing until now, its answer, or that one is under way or was cut off. */
export type Remembered =
  | { readonly state: 'new' }
  | { readonly state: 'unfinished'; readonly digest: string }
  | { readonly state: 'answered'; readonly digest: string; readonly answer: string };

/** Answers to requests that carried an idempotency key. Keys are keyed hashes, answers encrypted: some hold a secret. */
export interface IdempotencyStore {
  /** Claims a key for one request, in one write: of several at once one finds it new. Expired rows are new, too. */
  begin(key: string, digest: string, at: number, expiresAt: number): Promise<Remembered>;
  finish(key: string, answer: string): Promise<void>;
  /** Nothing was done: the key is free again. */
  abandon(key: string): Promise<void>;
}
