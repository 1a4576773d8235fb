import { readFile } from 'node:fs/promises';
import { selfSigned } from '../../support/self-signed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let files: Promise<Record<string, string>> | undefined;

const make = async (): Promise<Record<string, string>> => {
  await using folder = await temporaryFolder('haraka-tls');
  const { certificate, key } = await selfSigned(folder.path, 30);
  return { 'tls_cert.pem': await readFile(certificate, 'utf8'), 'tls_key.pem': await readFile(key, 'utf8') };
};

/** Certificate and key where Haraka looks for them; the same for every server of a test file. */
export const certificateFiles = (): Promise<Record<string, string>> => {
  files ??= make();
  return files;
};
