import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Finding } from './checks.ts';

/**
 * Tells what is wrong with the certificate and key that are configured at `base`; undefined when they can be used, or
 * none are set.
 */
export function certificateProblem(
  { certificate, key }: { readonly certificate?: string | undefined; readonly key?: string | undefined },
  base: readonly string[],
): Finding | undefined {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined) return { path: [...base, 'key'], message: 'is set without a certificate' };
  if (key === undefined) return { path: [...base, 'certificate'], message: 'is set without its key' };
  let reading = 'certificate';
  try {
    const cert = readFileSync(certificate);
    reading = 'key';
    const privateKey = readFileSync(key);
    reading = 'certificate';
    createSecureContext({ cert, key: privateKey });
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { path: [...base, reading], message: `cannot be used: ${reason}` };
  }
}
