import { parseArgs } from 'node:util';

export interface SoakOptions {
  /** How long mail is sent; what waits then is waited for besides. */
  readonly minutes: number;
  /** Messages a second offered to all SMTP servers together. */
  readonly rate: number;
  /** How often each fault happens. */
  readonly rounds: number;
  /** Where the result is written; null: only to the terminal. */
  readonly output: string | null;
}

export const usage = `npm run test:soak -- [--minutes n] [--rate n] [--rounds n] [--output file]

  --minutes   how long mail is sent while faults happen; default 60
  --rate      messages a second; default 5, as much as an hour of it on mongo-java-server carries
  --rounds    how often each kind of fault happens; default one each 20 minutes
  --output    file for the result, in Markdown; default docs/soak.md for an hour or more, none for less`;

const fields = ['minutes', 'rate', 'rounds'] as const;

/** Throws a TypeError with a text for people where an option is not known or no positive number. */
export function readOptions(args: readonly string[]): SoakOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      minutes: { type: 'string', default: '60' },
      rate: { type: 'string', default: '5' },
      rounds: { type: 'string' },
      output: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  for (const name of fields) {
    const text = values[name];
    if (text !== undefined && !(Number(text) > 0)) throw new TypeError(`--${name} ${text} is no positive number`);
  }
  const minutes = Number(values.minutes);
  return {
    minutes,
    rate: Number(values.rate),
    rounds: values.rounds === undefined ? Math.max(1, Math.round(minutes / 20)) : Math.ceil(Number(values.rounds)),
    output: values.output ?? (minutes >= 60 ? 'docs/soak.md' : null),
  };
}
