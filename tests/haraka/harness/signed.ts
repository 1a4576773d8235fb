import { createHash, createSign, generateKeyPairSync } from 'node:crypto';

const keys = generateKeyPairSync('rsa', { modulusLength: 1024 });

/** As config files and DNS want it. */
export const privateKey = keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
export const publicRecord = `v=DKIM1; k=rsa; p=${keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;

/** The message with a DKIM signature of its From and Subject in front (RFC 6376, simple canonicalisation). */
export const signed = (message: string, domain: string, selector = 'test'): string => {
  const split = message.indexOf('\r\n\r\n') + 2;
  const head = message.slice(0, split);
  const body = `${message.slice(split + 2).replace(/(?:\r\n)+$/, '')}\r\n`;
  const bodyHash = createHash('sha256').update(body).digest('base64');
  const fields = ['From', 'Subject'].map((name) => new RegExp(`^${name}:.*\r\n`, 'm').exec(head)?.[0] ?? '');
  const field = `DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=${domain}; s=${selector}; h=From:Subject; bh=${bodyHash}; b=`;
  const signature = createSign('sha256')
    .update(fields.join('') + field)
    .sign(keys.privateKey, 'base64');
  return `${field}${signature}\r\n${message}`;
};
