import type { ServerFiles } from './server-files.ts';

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds of Haraka's waits after temporary failures: `1m,5m*2,1h*3`, else 64 s doubled for `maxTempFailures`. */
function waits(files: ServerFiles): number[] | null {
  const written = files.text('outbound.ini', 'main', 'temp_fail_intervals');
  if (written !== undefined) {
    if (written.trim().toLowerCase() === 'none') return [];
    return written.split(',').flatMap((part) => {
      const [, number = '', unit = '', times = '1'] = /^\s*(\d+)([smhd])(?:\*(\d+))?\s*$/i.exec(part) ?? [];
      return Array.from({ length: Number(times) }, () => Number(number) * (seconds[unit.toLowerCase()] ?? Number.NaN));
    });
  }
  const failures = files.number('outbound.ini', 'main', 'maxTempFailures');
  return failures === undefined
    ? null
    : Array.from({ length: Math.max(failures - 1, 0) }, (_, index) => 2 ** (index + 6));
}

/** A span as the configuration takes it, in its largest whole unit. */
export const spanOf = (count: number): string => {
  const [unit, size] = Object.entries(seconds).findLast(([, each]) => count % each === 0 && count >= each) ?? ['s', 1];
  return `${count / size}${unit}`;
};

/** First and longest wait and the end of all, as `worker.retry` and `worker.max_age` have them; null where nothing is set. */
export function retryTimes(files: ServerFiles): { first: string; most: string; maxAge: string } | null {
  const all = waits(files);
  if (all === null || all.length === 0 || all.some(Number.isNaN)) return null;
  const total = all.reduce((sum, each) => sum + each, 0);
  return { first: spanOf(all[0] ?? 0), most: spanOf(Math.max(...all)), maxAge: spanOf(total) };
}
