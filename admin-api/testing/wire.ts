import { type IncomingHttpHeaders, request } from 'node:http';
import { checkAnswer } from './answer-check.ts';

export interface WireCall {
  readonly token?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The JSON of the answer. */
  readonly body: unknown;
  /** A text of the answer's JSON; fails the test where it is not there. */
  field(name: string): string;
}

/** Speaks HTTP with a server and holds every answer against the document. */
export type Wire = (method: string, target: string, call?: WireCall) => Promise<Answer>;

function fieldOf(body: unknown, name: string): string {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  if (typeof value !== 'string') throw new Error(`no ${name} in ${JSON.stringify(body)}`);
  return value;
}

/** `where` is a URL, or a socket path. */
export const wireTo =
  (where: { url: string } | { socketPath: string }): Wire =>
  (method, target, { token, body, raw, headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const at = 'url' in where ? { host: new URL(where.url).hostname, port: new URL(where.url).port } : where;
      const outgoing = request(
        {
          ...at,
          method,
          path: target,
          agent: false,
          headers: {
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...headers,
          },
        },
        (incoming) => {
          const pieces: Buffer[] = [];
          incoming.on('data', (piece: Buffer) => pieces.push(piece));
          incoming.on('error', reject);
          const finish = () => {
            const answer = {
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              text: Buffer.concat(pieces).toString('utf8'),
            };
            try {
              checkAnswer(method, target, answer);
              const isJson = /\bjson\b/.test(answer.headers['content-type'] ?? '');
              const json: unknown = isJson && method !== 'HEAD' ? JSON.parse(answer.text) : undefined;
              resolve({ ...answer, body: json, field: (name) => fieldOf(json, name) });
            } catch (error) {
              reject(error);
            }
          };
          if (incoming.headers['content-type'] === 'text/event-stream') {
            // It has no end: that it began is the answer.
            finish();
            incoming.destroy();
          } else incoming.on('end', finish);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
