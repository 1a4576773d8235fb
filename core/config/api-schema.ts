import { z } from 'zod';
import { network, port, secret } from './fields.ts';
import { duration } from './units.ts';

const webOrigin = z
  .string()
  .refine((text) => /^https?:/.test(text) && URL.parse(text)?.origin === text, 'expected an origin')
  .meta({ expected: 'the origin of a web page such as https://app.example.com, without a path' });

/** How the API is answered, and to whom. */
export const apiSchema = z.strictObject({
  address: z.string().default('127.0.0.1').describe('Address to listen on; `::` for all'),
  port: port.default(8_080).describe('0: any free one').meta({ env: 'API_PORT' }),
  tls: z
    .strictObject({
      certificate: z.string().describe('PEM file'),
      key: z.string().describe('PEM file of its private key'),
      minimum_version: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest TLS version spoken'),
    })
    .optional()
    .describe('HTTPS instead of HTTP; SIGHUP reads the files again'),
  cors: z
    .array(webOrigin)
    .max(100)
    .default([])
    .describe('Origins of web pages that may call the API from a browser; default: none but its own'),
  token_ttl: duration().prefault('24h').describe('How long an access token lives'),
  refresh_token_ttl: duration().prefault('30d').describe('How long a login lasts that is not used; each use renews it'),
  registration: z
    .enum(['closed', 'open'])
    .default('closed')
    .describe('`open`: anybody may make an account; `closed`: only the first is made so'),
  setup_networks: z
    .array(network)
    .default(['127.0.0.0/8', '::1/128'])
    .describe('Where the first administrator may register from, within an hour of the start'),
  setup_token: secret('Lets the first administrator register from anywhere', 'SETUP_TOKEN'),
  trusted_proxies: z.array(network).default([]).describe('Peers whose X-Forwarded-For is believed'),
  plugins: z
    .enum(['read-write', 'read-only'])
    .default('read-write')
    .describe('`read-only`: the API changes no settings of plugins'),
  events: z
    .strictObject({
      streams: z.number().int().min(1).default(200).describe('Most that are open at once'),
      streams_per_user: z.number().int().min(1).default(10).describe('Most of one user'),
    })
    .prefault({})
    .describe('Streams of `GET /api/events`'),
  webhooks: z
    .strictObject({
      allow_networks: z
        .array(network)
        .default([])
        .describe('Where webhooks may go besides public addresses; only there over plain http'),
      per_user: z.number().int().min(0).default(10).describe('Most webhooks of one user'),
      timeout: duration().prefault('15s').describe('Until a delivery has to be answered'),
      retry_first: duration().prefault('5s').describe('Wait after the first failure; each one is three times as long'),
      retry_most: duration().prefault('2h').describe('Longest wait'),
      give_up_after: duration().prefault('24h').describe('Failing for so long, a webhook is switched off'),
    })
    .prefault({})
    .describe('Addresses that are told of events'),
  connection_test_networks: z
    .array(network)
    .default([])
    .describe('Where connections with settings that are not saved may be tested, besides hosts of upstreams'),
  rate_limit: z
    .strictObject({
      requests: z
        .number()
        .int()
        .min(1)
        .default(100)
        .describe('Most in the window')
        .meta({ env: 'RATE_LIMIT_REQUESTS' }),
      window: duration().prefault('1h').describe('Begins with the first of them').meta({ env: 'RATE_LIMIT_WINDOW' }),
    })
    .prefault({})
    .describe('Unauthenticated requests and failed logins of one address'),
});
