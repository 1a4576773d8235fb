import { z } from 'zod';
import { normaliseDomain } from '../domain/domain-name.ts';
import { duration } from './units.ts';

/*
 * Where mail is relayed to. The settings belong to the plugin `delivery`; they stand here because the API has them as a
 * resource of its own.
 */

export const upstreamNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/)
  .meta({ expected: 'a name of lower-case letters, digits and hyphens that begins with a letter' });

const domain = z
  .string()
  .transform((text, context) => {
    const below = text.startsWith('.');
    const name = normaliseDomain(below ? text.slice(1) : text);
    if (name !== null) return below ? `.${name}` : name;
    context.addIssue({ code: 'custom', message: 'expected a domain name such as example.com, or .example.com' });
    return z.NEVER;
  })
  .describe('`example.com` is that domain alone, `.example.com` all below it');

export const upstreamSchema = z
  .strictObject({
    name: upstreamNameSchema,
    type: z
      .enum(['smtp', 'capture'])
      .optional()
      .describe('`capture` keeps mail for viewing and sends nothing. Default: smtp where a host is given'),
    host: z.string().min(1).optional().describe('Name or address').meta({ env: 'UPSTREAM_SMTP_HOST' }),
    port: z
      .number()
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('Default: 465 for tls, 587 with a login, else 25')
      .meta({ env: 'UPSTREAM_SMTP_PORT' }),
    tls: z
      .enum(['none', 'starttls', 'tls'])
      .optional()
      .describe('Never less than asked for. Default: tls on port 465, starttls with a login, else none')
      .meta({ env: 'UPSTREAM_SMTP_TLS' }),
    tls_verify: z.boolean().default(true).describe("Check the upstream's certificate"),
    tls_ca: z.string().optional().describe('PEM file of the authorities to trust instead of the public ones'),
    tls_server_name: z.string().optional().describe('Name the certificate must bear; default: the host'),
    tls_minimum_version: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
    username: z.string().min(1).optional().meta({ env: 'UPSTREAM_SMTP_USERNAME' }),
    password: z.string().min(1).optional().meta({ env: 'UPSTREAM_SMTP_PASSWORD', secret: true }),
    ehlo_name: z.string().min(1).optional().describe('Name in EHLO; default: `hostname`'),
    local_address: z.string().optional().describe('Address to connect from'),
    connections: z.number().int().min(1).default(20).describe('Most connections at once'),
    messages_per_connection: z.number().int().min(1).default(500),
    idle: duration().prefault('20s').describe('A connection unused for so long is closed'),
    timeouts: z
      .strictObject({
        connect: duration()
          .prefault('30s')
          .describe('From the first packet until ready for MAIL, TLS and login included'),
        command: duration().prefault('5m').describe('For each reply before the body'),
        data: duration().prefault('10m').describe('For each piece of the body, and for the reply to the final dot'),
      })
      .prefault({}),
    breaker: z
      .strictObject({
        failures: z.number().int().min(1).default(5).describe('Connections failed in a row before mail is held back'),
        probe: duration().prefault('60s').describe('Longest wait between two tries while it is held back'),
        hold: duration().prefault('5m').describe('Mail held back is looked at again after this, or on recovery'),
      })
      .prefault({}),
    recipient_domains: z.array(domain).default([]).describe('Takes only mail to these domains; none: to any'),
    sender_domains: z.array(domain).default([]).describe('Takes only mail from these domains; none: from any'),
  })
  .superRefine((upstream, context) => {
    const wrong = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (upstream.type === 'smtp' && upstream.host === undefined) wrong('host', 'an smtp upstream needs a host');
    if (upstream.username === undefined && upstream.password !== undefined) wrong('username', 'a password needs one');
    if (upstream.username !== undefined && upstream.password === undefined) wrong('password', 'a username needs one');
  });

export type UpstreamConfig = z.infer<typeof upstreamSchema>;
