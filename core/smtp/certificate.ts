import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../domain/errors.ts';
import { type Certificate, readCertificate, usable } from '../tls/certificate-files.ts';
import { makeSelfSigned } from './self-signed.ts';

export interface CertificateSource {
  /** Configured files; both or none. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** Where a self-signed one is kept if no file is configured. */
  readonly dataDirectory: string;
  readonly hostname: string;
}

const day = 86_400_000;

/**
 * Reads the configured certificate and key, or the self-signed pair of the data folder, which is made where it is
 * missing or about to expire. Throws `TLS_INVALID` with what to do.
 */
export async function loadCertificate(source: CertificateSource): Promise<Certificate> {
  const { certificate, key } = source;
  if (certificate === undefined && key === undefined) return await selfSigned(source);
  if (certificate === undefined || key === undefined) {
    const missing = certificate === undefined ? 'certificate' : 'key';
    throw new SluiceError('TLS_INVALID', `smtp.tls.${missing} is not set; name both files, or neither`);
  }
  return await readCertificate({ certificate, key });
}

/** True while the certificate is good for another month. */
function lasts(pem: string): boolean {
  try {
    return new X509Certificate(pem).validToDate.getTime() > Date.now() + 30 * day;
  } catch {
    return false;
  }
}

async function selfSigned({ dataDirectory, hostname }: CertificateSource): Promise<Certificate> {
  const folder = join(dataDirectory, 'tls');
  const files = { cert: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  try {
    const kept = { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8') };
    if (lasts(kept.cert)) return usable(kept, `${files.cert} and ${files.key}`);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    // None yet: this is the first start.
  }
  const made = await makeSelfSigned(hostname);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // The key first: a crash in between leaves no certificate, and the next start makes both anew.
    await rm(files.cert, { force: true });
    await replace(files.key, made.key, 0o600);
    await replace(files.cert, made.cert, 0o644);
  } catch (cause) {
    throw new SluiceError('TLS_INVALID', `The self-signed certificate cannot be kept in ${folder}`, { cause });
  }
  return made;
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  const next = `${path}.new`;
  await rm(next, { force: true });
  await writeFile(next, text, { mode, flag: 'wx' });
  await rename(next, path);
}
