import { pino } from 'pino';
import type { Logger } from '../../../observability/log.ts';

/** A log whose messages of level info and above can be looked at. */
export function gatheredLog(): { log: Logger; messages: () => string[] } {
  const messages: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void messages.push(String(JSON.parse(line).msg)) });
  return { log, messages: () => [...messages] };
}
