import type { IncomingMessage } from 'node:http';
import { SluiceError } from '../../core/domain/errors.ts';
import type { TextBody, TextInput } from '../route.ts';

/** Largest request body in JSON, in octets. */
export const bodyLimit = 1024 * 1024;
/** What is thrown away of a body that nobody wants before the connection is cut. */
const discardLimit = 8 * bodyLimit;
const depthLimit = 32;

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/**
 * Throws what is left of the body away, so that a client still sending reads its answer instead of a reset; beyond a
 * bound the connection is cut.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.readableEnded || request.destroyed) return;
  let octets = 0;
  request.on('data', (piece: Buffer) => {
    octets += piece.length;
    if (octets > discardLimit) request.socket.destroy();
  });
  request.resume();
}

const tooLarge = (limit: number) =>
  new SluiceError('REQUEST_TOO_LARGE', `a request may be at most ${limit} octets long; send less`);

function collect(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let octets = 0;
    const settle = (end: () => void) => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      end();
    };
    const onData = (piece: Buffer) => {
      octets += piece.length;
      if (octets > limit) settle(() => reject(tooLarge(limit)));
      else pieces.push(piece);
    };
    const onEnd = () => settle(() => resolve(Buffer.concat(pieces, octets)));
    const onClose = () =>
      settle(() => reject(new SluiceError('REQUEST_UNREADABLE', 'the request ended before its body did')));
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/** Refuses what parsers and mergers trip over: keys that reach prototypes, and depth that no request needs. */
function checkShape(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthLimit) throw new SluiceError('REQUEST_UNREADABLE', `nested deeper than ${depthLimit} levels`);
    const next: unknown[] = [];
    for (const item of level) {
      if (item === null || typeof item !== 'object') continue;
      for (const [key, inner] of Object.entries(item)) {
        if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
          throw new SluiceError('REQUEST_UNREADABLE', 'a field has a name that is not allowed');
        }
        if (inner !== null && typeof inner === 'object') next.push(inner);
      }
    }
    level = next;
  }
}

/** Throws 415 for a body that is compressed; looks at the headers only. */
function checkEncoding({ headers }: IncomingMessage): void {
  if ((headers['content-encoding'] ?? 'identity').trim().toLowerCase() === 'identity') return;
  throw new SluiceError('UNSUPPORTED_MEDIA_TYPE', 'compressed requests are not taken; send without Content-Encoding');
}

/** `proceed` is called once the body is wanted. Rejects with REQUEST_TOO_LARGE, or REQUEST_UNREADABLE for what is no UTF-8. */
async function readUtf8(request: IncomingMessage, limit: number, proceed: () => void): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  proceed();
  const octets = await collect(request, limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch (cause) {
    throw new SluiceError('REQUEST_UNREADABLE', 'the body is not valid UTF-8', { cause });
  }
}

/**
 * The body as JSON. Bounded in octets and depth, never decompressed; `proceed` is called once it is wanted, for
 * clients that wait for 100 Continue. Rejects with REQUEST_TOO_LARGE, REQUEST_UNREADABLE or UNSUPPORTED_MEDIA_TYPE.
 */
export async function readJson(request: IncomingMessage, proceed: () => void): Promise<unknown> {
  checkEncoding(request);
  if (!/^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(request.headers['content-type'] ?? '')) {
    throw new SluiceError('UNSUPPORTED_MEDIA_TYPE', 'send JSON, with Content-Type: application/json');
  }
  const text = await readUtf8(request, bodyLimit, proceed);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SluiceError('REQUEST_UNREADABLE', 'the body is not valid JSON in UTF-8', { cause });
  }
  checkShape(value);
  return value;
}

/** Parameters that say nothing new: UTF-8 is what we read, and a head line is looked for in any case (RFC 4180 §3). */
const knownParameter = /^(?:charset="?(?:utf-8|us-ascii)"?|header=(?:present|absent))$/i;

/** The body as text of one of these types, bounded and never decompressed; otherwise as `readJson`. */
export async function readText(request: IncomingMessage, input: TextInput, proceed: () => void): Promise<TextBody> {
  checkEncoding(request);
  const [mediaType = '', ...parameters] = (request.headers['content-type'] ?? '').split(';').map((part) => part.trim());
  const known = input.mediaTypes.find((one) => one === mediaType.toLowerCase());
  if (known === undefined || !parameters.every((one) => knownParameter.test(one))) {
    const wanted = input.mediaTypes.join(' or ');
    throw new SluiceError('UNSUPPORTED_MEDIA_TYPE', `send ${wanted} in UTF-8, with that as its Content-Type`);
  }
  return { mediaType: known, text: await readUtf8(request, input.limit, proceed) };
}
