import { createHash } from 'node:crypto';
import type { RedisConnection } from './connection.ts';

/** A Lua script, sent by its hash, and whole where the server does not know it (yet, or any more). */
export class Script {
  readonly #text: string;
  readonly #hash: string;

  constructor(text: string) {
    this.#text = text;
    this.#hash = createHash('sha1').update(text).digest('hex');
  }

  async run(connection: RedisConnection, keys: readonly string[], ...values: (string | number)[]): Promise<unknown> {
    try {
      return await connection.evalsha(this.#hash, keys.length, ...keys, ...values);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return connection.eval(this.#text, keys.length, ...keys, ...values);
    }
  }
}
