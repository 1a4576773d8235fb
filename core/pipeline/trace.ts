import type { TraceEntry } from '../domain/message.ts';
import { type Reply, replyLine } from '../domain/reply.ts';
import type { HookName } from './hooks.ts';
import type { Trace } from './pipeline.ts';

/** Rows kept; beyond these only what was not `continue`, so that no client makes a trace grow without end. */
const mostRows = 2_000;

/** A trace as flat arrays; objects are made only when it is read. */
class HookTrace implements Trace {
  readonly #names: string[] = [];
  readonly #micros: number[] = [];
  #replies: Map<number, Reply> | null = null;

  add(hook: HookName, plugin: string, verdict: string, micros: number, reply?: Reply): void {
    const row = this.#micros.length;
    if (row >= mostRows && (verdict === 'continue' || row >= 2 * mostRows)) return;
    this.#names.push(hook, plugin, verdict);
    this.#micros.push(micros);
    if (reply !== undefined) {
      this.#replies ??= new Map();
      this.#replies.set(row, reply);
    }
  }

  entries(): TraceEntry[] {
    const names = this.#names;
    return this.#micros.map((micros, row) => {
      const at = row * 3;
      const entry = { hook: names[at] ?? '', plugin: names[at + 1] ?? '', verdict: names[at + 2] ?? '', micros };
      const reply = this.#replies?.get(row);
      return reply === undefined ? entry : { ...entry, reply: replyLine(reply) };
    });
  }
}

/** An empty trace, for one session or transaction. */
export const createTrace = (): Trace => new HookTrace();
