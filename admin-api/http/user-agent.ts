import type { IncomingMessage } from 'node:http';

const mostCharacters = 200;

/** What the client calls itself, bounded and on one line; null where it does not say. */
export function userAgentOf({ headers }: IncomingMessage): string | null {
  const text = headers['user-agent']?.replace(/[^\x20-\x7e]+/g, ' ').trim();
  return text === undefined || text === '' ? null : text.slice(0, mostCharacters);
}
