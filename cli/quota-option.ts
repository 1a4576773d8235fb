import { InvalidArgumentError } from 'commander';

/** `none` stays a word here: commander takes a null for an option without a value. */
export type QuotaOption = number | 'none';

/** `1000`, or `none` for no limit. */
export function quotaOption(text: string): QuotaOption {
  if (text === 'none') return text;
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('expected a number of recipients, or none for no limit');
  return Number(text);
}

export interface QuotaOptions {
  readonly dailyQuota?: QuotaOption;
  readonly hourlyQuota?: QuotaOption;
}

const limit = (option: QuotaOption): number | null => (option === 'none' ? null : option);

/** The fields of the API that the options stand for; what was not given is left out. */
export const quotaFields = ({ dailyQuota, hourlyQuota }: QuotaOptions) => ({
  ...(dailyQuota === undefined ? {} : { daily_quota: limit(dailyQuota) }),
  ...(hourlyQuota === undefined ? {} : { hourly_quota: limit(hourlyQuota) }),
});

/** A limit as tables show it. */
export const showQuota = (recipients: number | null): string =>
  recipients === null ? 'none' : recipients.toLocaleString('en');
