import { join } from 'node:path';
import { runChild } from './child.ts';

/** Makes a key and a certificate for localhost and 127.0.0.1 in `folder`; answers their paths. */
export const selfSigned = async (folder: string, days = 2): Promise<{ certificate: string; key: string }> => {
  const certificate = join(folder, 'certificate.pem');
  const key = join(folder, 'key.pem');
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  args.push('-keyout', key, '-out', certificate, '-days', `${days}`, '-subj', '/CN=localhost');
  args.push('-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  const { code, stderr } = await runChild('openssl', args);
  if (code !== 0) throw new Error(`openssl could not make a certificate: ${stderr}`);
  return { certificate, key };
};
