import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { NetworkSet } from '../domain/ip-network.ts';
import { DestinationRefused, destinationProblem, guardedLookup, type Resolve, systemResolve } from './destination.ts';

/** What became of one try. */
export interface SendOutcome {
  readonly ok: boolean;
  /** Null where there was no answer. */
  readonly status: number | null;
  /** Why it is no success, for its owner to read. */
  readonly reason: string | null;
  /** The other side wants no more of it (410). */
  readonly gone: boolean;
  readonly milliseconds: number;
}

/** Read of an answer before the connection is closed. */
const mostAnswered = 16 * 1024;

/** Posts deliveries: bounded in time and number, to permitted addresses only, following nobody elsewhere. */
export class WebhookSender {
  readonly #allowed: NetworkSet;
  readonly #timeout: number;
  readonly #userAgent: string;
  readonly #resolve: Resolve;
  readonly #atOnce: number;
  readonly #line: (() => void)[] = [];
  #running = 0;

  constructor(options: {
    readonly allowed: NetworkSet;
    readonly timeoutMilliseconds: number;
    readonly version: string;
    /** Most that are under way at once; others wait. */
    readonly atOnce?: number;
    readonly resolve?: Resolve;
  }) {
    this.#allowed = options.allowed;
    this.#timeout = options.timeoutMilliseconds;
    this.#userAgent = `Sluice/${options.version}`;
    this.#atOnce = options.atOnce ?? 20;
    this.#resolve = options.resolve ?? systemResolve;
  }

  /** What is wrong with a URL, or null. */
  problem(url: string): string | null {
    return destinationProblem(url, this.#allowed);
  }

  /** Posts JSON. Never rejects; ends early once the signal aborts. */
  async send(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    if (this.#running < this.#atOnce) this.#running += 1;
    else await new Promise<void>((resolve) => this.#line.push(resolve));
    const began = performance.now();
    const done = (part: Partial<SendOutcome>): SendOutcome => ({
      ok: false,
      status: null,
      reason: null,
      gone: false,
      ...part,
      milliseconds: Math.round(performance.now() - began),
    });
    try {
      const status = await this.#post(url, headers, body, signal);
      if (status >= 200 && status < 300) return done({ ok: true, status });
      const redirected = status >= 300 && status < 400;
      const reason = redirected ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`;
      return done({ status, reason, gone: status === 410 });
    } catch (error) {
      return done({ reason: this.#reasonOf(error) });
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #post(text: string, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<number> {
    const problem = this.problem(text);
    if (problem !== null) return Promise.reject(new DestinationRefused(`the URL ${problem}`));
    const url = new URL(text);
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: false,
        lookup: guardedLookup(this.#resolve, secure, this.#allowed),
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeout)]),
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': this.#userAgent,
        },
      });
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => {
        resolve(incoming.statusCode ?? 0);
        letEnd(incoming);
      });
      outgoing.end(body);
    });
  }

  #reasonOf(error: unknown): string {
    if (error instanceof DestinationRefused) return error.message;
    const name = error instanceof Error ? error.name : '';
    if (name === 'AbortError' || name === 'TimeoutError') return `no answer within ${this.#timeout / 1_000} s`;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return reasons[code] ?? `no connection (${code})`;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed without an answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
};

/** What the answer says besides its status is of no interest; a short one may end in order. */
function letEnd(incoming: IncomingMessage): void {
  let octets = 0;
  incoming.on('error', () => {});
  incoming.on('data', (piece: Buffer) => {
    octets += piece.length;
    if (octets > mostAnswered) incoming.destroy();
  });
}
