import type { Logger } from '../observability/log.ts';
import type { HookContext } from './hooks.ts';

/** What setTimeout can hold; anything above it would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** Why a call that did not answer was given up. */
export class CallAbandoned extends Error {
  override readonly name = 'CallAbandoned';
  readonly late: boolean;

  constructor(late: boolean, message: string) {
    super(message);
    this.late = late;
  }
}

/**
 * The context of one call. Its AbortSignal is made when first asked for, so that a handler that answers at once and
 * never looks at it costs one small object.
 */
export class CallContext implements HookContext {
  readonly log: Logger;
  readonly #client: AbortSignal | undefined;
  #controller: AbortController | null = null;
  #reason: CallAbandoned | null = null;

  /** `client`: aborts when the client is gone or the process stops. */
  constructor(log: Logger, client: AbortSignal | undefined) {
    this.log = log;
    this.#client = client;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
      else if (this.#client?.aborted) this.#controller.abort(this.#client.reason);
    }
    return this.#controller.signal;
  }

  #abandon(reason: CallAbandoned): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /**
   * Waits for an answer that comes later: no longer than the deadline, and no longer than the client is there.
   * Rejects with what the handler threw, or `CallAbandoned`; an answer that comes afterwards is ignored.
   */
  wait(answer: PromiseLike<unknown>, timeoutMilliseconds: number): Promise<unknown> {
    const client = this.#client;
    return new Promise((resolve, reject) => {
      const gone = () => settle(new CallAbandoned(false, 'The client is gone, or the process stops'));
      const timer = setTimeout(
        () => settle(new CallAbandoned(true, `No answer within ${timeoutMilliseconds} ms`)),
        Math.min(timeoutMilliseconds, longestTimer),
      );
      const clean = () => {
        clearTimeout(timer);
        client?.removeEventListener('abort', gone);
      };
      const settle = (reason: CallAbandoned) => {
        clean();
        // Rejected before the handler hears of it, so that what it does on abort cannot become its answer.
        reject(reason);
        this.#abandon(reason);
      };
      answer.then(
        (value) => {
          clean();
          resolve(value);
        },
        (error) => {
          clean();
          reject(error);
        },
      );
      if (client?.aborted) gone();
      else client?.addEventListener('abort', gone, { once: true });
    });
  }
}

export const isThenable = (answer: unknown): answer is PromiseLike<unknown> =>
  typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function';
