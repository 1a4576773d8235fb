import type { Libraries } from '../libraries.ts';
import type { EnvelopeAddress } from '../session/types.ts';

/** An address of an envelope as Haraka's plugins know it; empty for `<>`. What its parser is too strict for is taken as it is. */
export function envelopeAddress(text: string, { Address }: Pick<Libraries, 'Address'>): EnvelopeAddress {
  try {
    return new Address(`<${text}>`);
  } catch {
    const at = text.lastIndexOf('@');
    return new Address(text.slice(0, at), text.slice(at + 1));
  }
}

/** By shape: plugins bring copies of the library of their own. */
export const isEnvelopeAddress = (value: unknown): value is EnvelopeAddress =>
  typeof value === 'object' && value !== null && 'user' in value && 'host' in value && 'original' in value;

/** Without angle brackets; empty for the null reverse-path. */
export const addressText = (address: EnvelopeAddress): string =>
  address.isNull() ? '' : address.format().replace(/^<(.*)>$/, '$1');
