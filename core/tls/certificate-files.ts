import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { SluiceError } from '../domain/errors.ts';

/** PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Reads a certificate and its key from PEM files. Throws `TLS_INVALID` with what to do. */
export async function readCertificate(files: { certificate: string; key: string }): Promise<Certificate> {
  const { certificate, key } = files;
  return usable({ cert: await read(certificate), key: await read(key) }, `${certificate} and ${key}`);
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SluiceError('TLS_INVALID', `${path} cannot be read; look at the path and at who may read it`, { cause });
  }
}

/** The pair itself. Refuses what TLS would refuse, and a key that belongs to another certificate, with `TLS_INVALID`. */
export function usable(pair: Certificate, names: string): Certificate {
  try {
    createSecureContext(pair);
  } catch (cause) {
    const text = `${names} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new SluiceError('TLS_INVALID', `${text}; both have to be PEM, and the key that of the certificate`, {
      cause,
    });
  }
  return pair;
}
