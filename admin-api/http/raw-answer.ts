import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'restify';
import type { RawBody } from '../route.ts';

export interface RawAnswer {
  readonly status: number;
  readonly body: RawBody;
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborted: the connection is cut. */
  readonly cut?: AbortSignal;
}

/**
 * Sends what is no JSON. Pieces are asked for as fast as the client reads them; resolves when the last one is sent, or
 * the client is gone. A body that fails on its way cuts the connection, so that nobody takes a part for the whole.
 */
export async function sendRaw(
  request: Request,
  response: Response,
  { status, body, headers = {}, cut }: RawAnswer,
  mediaType: string,
): Promise<void> {
  response.setHeader('Content-Type', mediaType);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const whole = typeof body === 'string' || body instanceof Uint8Array;
  if (whole) response.setHeader('Content-Length', Buffer.byteLength(body));
  response.writeHead(status);
  if (whole || request.method === 'HEAD') {
    response.end(request.method === 'HEAD' || !whole ? undefined : body);
    if (!whole) await body[Symbol.asyncIterator]().return?.();
    return;
  }
  try {
    await pipeline(Readable.from(body, { objectMode: true }), response, cut === undefined ? {} : { signal: cut });
  } catch (error) {
    if (!response.destroyed) response.destroy();
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ERR_STREAM_PREMATURE_CLOSE' && code !== 'ABORT_ERR') throw error;
  }
}
