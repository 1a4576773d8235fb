import { InvalidArgumentError } from 'commander';

/** `1000`, or `none` for no limit. */
export function quotaOption(text: string): number | null {
  if (text === 'none') return null;
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('expected a number of recipients, or none for no limit');
  return Number(text);
}

export const quota = (limit: number | null): string => (limit === null ? 'none' : limit.toLocaleString('en'));
