import { pino } from 'pino';
import type { Logger } from '../../../observability/log.ts';

/** pino's number of that level. */
const info = 30;

/** A log that can be looked at: its messages of level info and above, and all its lines of any level. */
export function gatheredLog(): { log: Logger; messages: () => string[]; lines: () => string[] } {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const messages = () =>
    lines
      .map((line) => JSON.parse(line) as { level: number; msg: string })
      .filter(({ level }) => level >= info)
      .map(({ msg }) => msg);
  return { log, messages, lines: () => [...lines] };
}
