import { z } from 'zod';

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

const scaled = (units: Readonly<Record<string, number>>, what: string) => {
  const pattern = new RegExp(`^\\d+(?:\\.\\d+)? ?(?:${Object.keys(units).join('|')})$`);
  const expected = `${what} (${Object.keys(units).join(', ')})`;
  return z
    .string()
    .regex(pattern, `expected ${expected}`)
    .meta({ expected })
    .transform((text) => {
      const unit = text.replace(/^[\d. ]+/, '');
      return Math.round(Number.parseFloat(text) * (units[unit] ?? Number.NaN));
    });
};

/** A span of time such as `250ms`, `45s`, `10m`, `1h`, `5d`; milliseconds inside. */
export const duration = () => scaled(durationUnits, 'a span of time such as 45s');

/** A number of octets such as `512KB` or `25MB` (1 KB = 1,024 octets). */
export const octets = () => scaled(sizeUnits, 'a size such as 25MB');
