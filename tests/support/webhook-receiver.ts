import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebhookDelivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** How it answers one delivery; what it does not answer hangs. */
export type WebhookBehaviour = (response: ServerResponse, delivery: WebhookDelivery) => void;

export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string;
  /** All that was posted, whatever was answered, the first first. */
  readonly deliveries: readonly WebhookDelivery[];
  /** Sets how it answers from now on. */
  behave(behaviour: WebhookBehaviour): void;
  clear(): void;
}

/** Answers with a status and no body. Restify, where it runs in this process, has `writeHead` answer nothing. */
export const status =
  (code: number, headers: Record<string, string> = {}): WebhookBehaviour =>
  (response) => {
    response.writeHead(code, headers);
    response.end();
  };

/**
 * Verified as the Standard Webhooks specification (1.0.0) tells receivers to, with nothing of Sluice's own: any of the
 * signatures may fit, compared in constant time, and the time of the try is not far off.
 */
export function isGenuine({ headers, body }: WebhookDelivery, secret: string, toleranceSeconds = 300): boolean {
  const timestamp = Number(headers['webhook-timestamp']);
  if (!(Math.abs(Date.now() / 1_000 - timestamp) <= toleranceSeconds)) return false;
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key).update(`${headers['webhook-id']}.${timestamp}.${body}`).digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((part) => part.startsWith('v1,'))
    .map((part) => Buffer.from(part.slice(3), 'base64'))
    .some((shown) => shown.length === expected.length && timingSafeEqual(shown, expected));
}

/** A server on loopback that takes webhooks, every one with 204 unless told otherwise. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const deliveries: WebhookDelivery[] = [];
  let behaviour: WebhookBehaviour = status(204);
  const server = createServer((incoming, response) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('error', () => {});
    incoming.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      const delivery = { headers: incoming.headers, body, event: JSON.parse(body) };
      deliveries.push(delivery);
      behaviour(response, delivery);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    deliveries,
    behave: (next) => {
      behaviour = next;
    },
    clear: () => {
      deliveries.length = 0;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
