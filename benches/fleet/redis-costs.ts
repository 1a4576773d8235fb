import type { Redis } from 'ioredis';

/** What a kind of key is for, and where its keys lie in a Redis Cluster. */
export const families = {
  counters: 'quotas, by account',
  rates: 'rate limits, by key',
  mail: 'wake-ups, one slot',
  bus: 'the bus, one slot',
} as const;
export type Family = keyof typeof families;

const familyOf = (words: readonly string[]): Family | undefined => {
  const text = words.join(' ');
  if (/:counters:/.test(text)) return 'counters';
  if (/:rates:/.test(text)) return 'rates';
  if (/\{mail\}/.test(text)) return 'mail';
  return /\{bus\}|:bus\b/.test(text) ? 'bus' : undefined;
};

/** What clients send; what a script does inside is told of, too, and is in the time of the script already. */
const sent: ReadonlySet<string> = new Set(['eval', 'evalsha', 'brpoplpush', 'lrem', 'srem', 'hdel', 'llen', 'publish']);
const isSent = (family: Family, command: string): boolean =>
  family === 'mail' ? sent.has(command) || command === 'hget' : sent.has(command) && command !== 'hdel';

const field = (info: string, name: string): number =>
  Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0);

/** Has every command told of, with the time it took. */
export async function beginRecording(admin: Redis): Promise<void> {
  await admin.config('SET', 'slowlog-log-slower-than', '0');
  await admin.config('SET', 'slowlog-max-len', '1000000');
  await admin.slowlog('RESET');
}

/** Milliseconds of processor time of the server so far. */
export async function redisCpu(admin: Redis): Promise<number> {
  const info = await admin.info('cpu');
  return 1_000 * (field(info, 'used_cpu_user') + field(info, 'used_cpu_sys'));
}

/** Commands since `beginRecording` by family, and how long they ran, in milliseconds. */
export async function recorded(admin: Redis): Promise<Map<Family, { commands: number; ran: number }>> {
  const entries = (await admin.slowlog('GET', 1_000_000)) as [number, number, number, string[]][];
  const sums = new Map<Family, { commands: number; ran: number }>();
  for (const [, , microseconds, words] of entries) {
    const family = familyOf(words.map(String));
    if (family === undefined || !isSent(family, String(words[0]).toLowerCase())) continue;
    const sum = sums.get(family) ?? { commands: 0, ran: 0 };
    sums.set(family, { commands: sum.commands + 1, ran: sum.ran + microseconds / 1_000 });
  }
  return sums;
}
