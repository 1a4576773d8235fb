import { type Logger, pino } from 'pino';

export type { Logger };

/** Makes the process's logger: JSON lines on standard output, secrets removed. `level` is one of pino's. */
export function createLog(options: { level: string; name?: string }): Logger {
  return pino({
    level: options.level,
    ...(options.name === undefined ? {} : { name: options.name }),
    redact: { paths: ['password', '*.password', 'secret', '*.secret', 'token', '*.token'], censor: '[hidden]' },
  });
}
