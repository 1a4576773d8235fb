import { z } from 'zod';
import type { ConnectionTest, TlsFacts } from '../../core/domain/connection-test.ts';
import { component } from '../components.ts';
import { isoTimeOrNull, timeSchema } from './fields.ts';

const phases = ['connect', 'greeting', 'hello', 'tls', 'auth', 'mail', 'rcpt', 'data', 'dot-sent', 'done'] as const;

const tlsSchema = z.strictObject({
  protocol: z.string(),
  cipher: z.string(),
  trusted: z.boolean().describe('False: the certificate is not good, and `tls_verify` is off'),
  subject: z.string().nullable(),
  issuer: z.string().nullable(),
  valid_until: timeSchema.nullable(),
});

export const connectionTestSchema = component(
  'ConnectionTest',
  z.strictObject({
    ok: z.boolean().describe('A session could be had, ready for mail'),
    phase: z.enum(phases).describe('How far it came; `done`: ready for mail'),
    address: z.string().nullable().describe('Address and port spoken to'),
    tls: tlsSchema.nullable().describe('Null: in clear, or it did not come so far'),
    capabilities: z.array(z.string()).describe('What the upstream said to EHLO'),
    reply: z.string().nullable().describe('The last that the upstream said'),
    error: z.string().nullable(),
    milliseconds: z.int(),
  }),
);

const tlsView = ({ validUntil, ...facts }: TlsFacts): z.infer<typeof tlsSchema> => ({
  ...facts,
  valid_until: isoTimeOrNull(validUntil),
});

export const connectionTestView = (test: ConnectionTest): z.infer<typeof connectionTestSchema> => ({
  ...test,
  tls: test.tls === null ? null : tlsView(test.tls),
  capabilities: [...test.capabilities],
});
