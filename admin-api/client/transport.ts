import { request } from 'node:http';
import { SluiceError } from '../../core/domain/errors.ts';

export interface TransportRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}
export interface TransportAnswer {
  readonly status: number;
  readonly text: string;
  readonly etag: string | null;
}
/** Carries one request; rejects with `SERVICE_UNAVAILABLE` when there is no answer. */
export type Transport = (call: TransportRequest) => Promise<TransportAnswer>;

/** Longer than the server gives a request, so that its own answer comes first. */
const patience = 60_000;

const unreachable = (where: string, cause: unknown) =>
  new SluiceError('SERVICE_UNAVAILABLE', `nobody answers at ${where}: is Sluice running? (sluice start)`, { cause });

export function fetchTransport(url: string): Transport {
  const base = new URL(url);
  return async ({ method, target, headers, body }) => {
    try {
      const answer = await fetch(new URL(target, base), {
        method,
        headers,
        body: body ?? null,
        redirect: 'error',
        signal: AbortSignal.timeout(patience),
      });
      return { status: answer.status, text: await answer.text(), etag: answer.headers.get('etag') };
    } catch (error) {
      throw unreachable(base.origin, error);
    }
  };
}

export function socketTransport(socketPath: string): Transport {
  return ({ method, target, headers, body = '' }) =>
    new Promise((resolve, reject) => {
      const failed = (error: unknown) => reject(unreachable(socketPath, error));
      const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const outgoing = request(
        { socketPath, method, path: target, headers: { ...headers, ...length, host: 'localhost' }, agent: false },
        (answer) => {
          const pieces: Buffer[] = [];
          answer.on('data', (piece: Buffer) => pieces.push(piece));
          answer.on('error', failed);
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              text: Buffer.concat(pieces).toString('utf8'),
              etag: answer.headers.etag ?? null,
            }),
          );
        },
      );
      outgoing.on('error', failed);
      outgoing.setTimeout(patience, () => outgoing.destroy(new Error(`no answer within ${patience} ms`)));
      outgoing.end(body);
    });
}
