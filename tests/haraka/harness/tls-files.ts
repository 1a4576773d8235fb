import { readFile } from 'node:fs/promises';
import { runChild } from '../../support/child.ts';
import { selfSigned } from '../../support/self-signed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let files: Promise<Record<string, string>> | undefined;

/** The group ffdhe2048 of RFC 7919: without such a file Haraka looks for a prime of its own, for minutes. */
const diffieHellman = ['genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048'];

const make = async (): Promise<Record<string, string>> => {
  await using folder = await temporaryFolder('haraka-tls');
  const [{ certificate, key }, parameters] = await Promise.all([
    selfSigned(folder.path, 30),
    runChild('openssl', diffieHellman),
  ]);
  if (parameters.code !== 0) throw new Error(`openssl could not write the group: ${parameters.stderr}`);
  return {
    'tls_cert.pem': await readFile(certificate, 'utf8'),
    'tls_key.pem': await readFile(key, 'utf8'),
    'dhparams.pem': parameters.stdout,
  };
};

/** Certificate, key and group where Haraka looks for them; the same for every server of a test file. */
export const certificateFiles = (): Promise<Record<string, string>> => {
  files ??= make();
  return files;
};
