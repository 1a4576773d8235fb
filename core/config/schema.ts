import { z } from 'zod';
import { apiSchema } from './api-schema.ts';
import { network, port, secret } from './fields.ts';
import { parseRedisUrl, redisUrlForms } from './redis-url.ts';
import { duration, octets } from './units.ts';

/*
 * The one schema of the configuration file. From it come validation, types, the names of environment variables
 * (SLUICE_ and the path, upper case, `__` between levels; `meta.env` adds further names), configs/schema.json and
 * docs/configuration.md. Meanings that are not obvious stand in `describe`.
 */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/)
  .meta({ expected: 'a name of lower-case letters, digits and hyphens that begins with a letter' });
const isMongodbUri = 'mongodb://[user:password@]host[:port],…/database[?options] or mongodb+srv://…';
const mongodbUri = z
  .string()
  .regex(/^mongodb(\+srv)?:\/\/([^@/?#\s]*@)?[^@/?#\s]+(\/[^\s]*|\?[^\s]*)?$/, `expected ${isMongodbUri}`)
  .meta({ expected: isMongodbUri });
const redisUrl = z
  .string()
  .superRefine((text, context) => {
    const address = parseRedisUrl(text);
    if ('problem' in address) context.addIssue({ code: 'custom', message: address.problem });
  })
  .meta({ expected: redisUrlForms });

export const listenerSchema = z
  .strictObject({
    name: name.describe('What traces, plugins and the environment call it'),
    enabled: z.boolean().default(true).describe('False: not listened on'),
    address: z.string().default('127.0.0.1').describe('Address to listen on; `::` for all'),
    port: port.describe('0: any free one'),
    tls: z
      .enum(['starttls', 'implicit', 'none'])
      .default('starttls')
      .describe('`implicit`: encrypted from the first byte'),
    require_login: z.boolean().default(true).describe('Refuse MAIL without a login, unless from a trusted network'),
    auth_without_tls: z.boolean().default(false).describe('Offer and accept AUTH on a connection in clear'),
    trusted_networks: z
      .array(
        z.strictObject({
          name: name.describe('Owner of its mail, as `network:<name>`'),
          networks: z.array(network).min(1).describe('Who belongs to it'),
        }),
      )
      .default([])
      .describe('May relay without a login; the mail belongs to `network:<name>`'),
    proxy_protocol: z.array(network).default([]).describe('Peers that must send a PROXY header (v1 or v2)'),
    greeting_pause: duration().prefault('0ms').describe('Who speaks before the greeting is disconnected with 421'),
    starttls: z.enum(['core', 'plugin']).default('core').describe('`plugin` hands STARTTLS over to the command hook'),
    auth: z.enum(['core', 'plugin']).default('core').describe('`plugin` hands AUTH over to the command hook'),
  })
  .describe('An address and port on which mail is taken');

export const smtpLimitsSchema = z.strictObject({
  size: octets().prefault('25MB').describe('Largest message, advertised by SIZE'),
  recipients: z.number().int().min(1).default(100).describe('Most recipients of one transaction'),
  connections: z
    .number()
    .int()
    .min(1)
    .default(2_000)
    .describe('Most connections at once, of all `smtp.processes` together'),
  connections_per_address: z.number().int().min(1).default(100).describe('Most connections at once from one address'),
  errors: z.number().int().min(1).default(10).describe('Refused commands before 421'),
  auth_failures: z.number().int().min(1).default(3).describe('Failed logins of one connection before 421'),
  command_timeout: duration()
    .prefault('5m')
    .describe('From one reply to the next whole command, however slowly it drips in'),
  data_timeout: duration().prefault('5m').describe('From 354 to the final dot'),
  session_age: duration().prefault('30m').describe('After this a session ends by 421 between two transactions'),
  session_timeout: duration().prefault('2h').describe('The absolute end of a session'),
  command_length: z.number().int().min(512).default(2_048).describe('Longest command line, in octets'),
  line_length: z.number().int().min(998).default(8_192).describe('Longest line of a message, in octets'),
  header_size: octets().prefault('256KB').describe('Largest header of a message'),
  header_fields: z.number().int().min(1).default(2_000).describe('Most header fields of a message'),
  hops: z.number().int().min(1).default(50).describe('More Received fields than this are a loop'),
  unwritten: octets().prefault('64MB').describe('Bytes waiting for the disk, beyond which sockets are not read'),
});

export const pluginEntrySchema = z.strictObject({
  id: name.optional().describe('Default: the value of `use`'),
  use: z.string().min(1).describe('A shipped plugin, a package, or a path from this file'),
  enabled: z.boolean().default(true).describe('False: neither loaded nor asked'),
  listeners: z.array(z.string()).optional().describe('Names of listeners; default all'),
  timeout: duration().prefault('10s').describe('Deadline of one hook call'),
  before: z.array(z.string()).default([]).describe('Ids of plugins that it runs before'),
  after: z.array(z.string()).default([]).describe('Ids of plugins that it runs after'),
  priority: z.number().int().default(0).describe('Lower runs first, where before and after leave the choice'),
  may_grant: z.boolean().default(false).describe('Its rcptTo hook may permit relaying'),
  config: z.record(z.string(), z.unknown()).default({}).describe("The plugin's own settings"),
});

export const configSchema = z.strictObject({
  mode: z
    .enum(['auto', 'embedded', 'cluster'])
    .default('auto')
    .describe('`auto`: cluster when `mongodb_uri` and `redis_url` are set, embedded when neither is'),
  hostname: z.string().optional().describe('Name in greeting, Received and HELO; default: that of the machine'),
  data_dir: z
    .string()
    .default('./data')
    .describe('Database, keys, self-signed certificate; counts from where Sluice is started')
    .meta({ env: 'SLUICE_DATA_DIR' }),
  mongodb_uri: mongodbUri
    .optional()
    .describe('Database of cluster mode; the path names it, `sluice` where there is none')
    .meta({ secret: true, env: 'MONGODB_URI' }),
  redis_url: redisUrl
    .optional()
    .describe(
      'Redis of cluster mode. Appended: `?ca=FILE` (PEM, authorities that certificates are checked against), ' +
        '`&prefix=NAME` (of all keys; default `sluice`), `&sentinel_username=…&sentinel_password=…`',
    )
    .meta({ secret: true, env: 'REDIS_URL' }),
  jwt_secret: secret('Signs access tokens; generated and kept in the data folder when embedded', 'JWT_SECRET'),
  secrets_key: secret('Encrypts and keys stored secrets; generated when embedded', 'SLUICE_SECRETS_KEY'),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
        .default('info')
        .describe('Least grave event that is logged'),
    })
    .prefault({}),
  smtp: z
    .strictObject({
      listeners: z.array(listenerSchema).min(1),
      processes: z
        .union([z.int().min(1).max(256), z.literal('auto')])
        .default(1)
        .describe(
          'Processes that share the listeners in `sluice start smtp` of a cluster, limits of connections counted over all; `auto`: one a processor',
        ),
      tls: z
        .strictObject({
          certificate: z.string().optional().describe('PEM file; default: a self-signed one made in the data folder'),
          key: z.string().optional().describe('PEM file of its private key'),
          minimum_version: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest TLS version spoken'),
        })
        .prefault({}),
      limits: smtpLimitsSchema.prefault({}),
      bare_newlines: z
        .enum(['reject', 'normalize'])
        .default('reject')
        .describe('What to do with bare CR, bare LF and NUL'),
      addresses: z
        .strictObject({
          percent_hack: z.boolean().default(false).describe('Take `user%other.example@here.example`'),
          bang_path: z.boolean().default(false).describe('Take `other!user@here.example`'),
          source_route: z.boolean().default(false).describe('Take `<@a.example:user@b.example>`; the route is dropped'),
        })
        .prefault({}),
    })
    .prefault({ listeners: [{ name: 'relay', port: 2525 }] }),
  plugins: z.array(pluginEntrySchema),
  worker: z
    .strictObject({
      concurrency: z
        .number()
        .int()
        .min(1)
        .default(20)
        .describe('Messages being delivered at once; each upstream may always begin a quarter of them'),
      ahead: z
        .number()
        .int()
        .min(0)
        .default(20)
        .describe('Messages claimed beyond these, so that no connection waits for the disk'),
      lease: duration().prefault('45s').describe('After this a message is anybody’s again whose worker fell silent'),
      lease_renewal: duration().prefault('10s').describe('How often a worker renews its leases'),
      sweep: duration().prefault('30s').describe('How often dead leases and orphaned bodies are looked for'),
      retry: z
        .strictObject({
          first: duration().prefault('1m').describe('Wait after the first temporary failure'),
          factor: z.number().min(1).default(2).describe('Each wait is so many times the one before'),
          most: duration().prefault('4h').describe('Longest wait'),
          jitter: z.number().min(0).max(1).default(0.2).describe('Share of the delay that is random'),
        })
        .prefault({}),
      max_age: duration().prefault('5d').describe('After this a recipient expires'),
      ambiguous_delay: duration().prefault('10m').describe('Wait before mail is tried again whose outcome is unknown'),
      delay_report: duration()
        .prefault('4h')
        .describe('Age at which a sender who asked for it (NOTIFY=DELAY) is told, once'),
      bounce: z.enum(['send', 'none']).default('send').describe('Reports to senders of what cannot be delivered'),
    })
    .prefault({}),
  retention: z
    .strictObject({
      captured: duration().prefault('7d').describe('Bodies of captured mail'),
      log: duration().prefault('30d').describe('Records of finished mail and refusals'),
      free_space: octets().prefault('64MB').describe('Low-water mark of the disk: below it MAIL gets 452'),
    })
    .prefault({}),
  quotas: z
    .strictObject({
      daily_default: z
        .number()
        .int()
        .min(0)
        .default(1_000)
        .describe('Recipients a day')
        .meta({ env: 'DAILY_QUOTA_DEFAULT' }),
      hourly_default: z
        .number()
        .int()
        .min(0)
        .default(100)
        .describe('Recipients an hour')
        .meta({ env: 'HOURLY_QUOTA_DEFAULT' }),
    })
    .prefault({})
    .describe('Given to new credentials that name none'),
  api: apiSchema.prefault({}),
  cluster: z
    .strictObject({
      beat: duration()
        .prefault('2s')
        .describe('How often a process tells the others that it lives, and looks which settings are in force'),
      outdated: duration()
        .prefault('5s')
        .describe('A process that could not look for so long judges no mail (451) and claims none'),
      lapse: duration().prefault('6s').describe('A process that did not tell for so long is not waited for'),
      decision: duration().prefault('10s').describe('Settings that not every process has built by then are rejected'),
      poll: duration()
        .prefault('5s')
        .describe('How often a worker looks into the database for mail whose wake-up it did not hear'),
    })
    .prefault({})
    .describe('How the processes of cluster mode agree on the settings of the plugins'),
  observability: z
    .strictObject({
      address: z.string().default('127.0.0.1').describe('Address to listen on for `/metrics`, which asks for no login'),
      port: port
        .default(9_464)
        .describe('Where `/metrics` is; `smtp` and `worker` processes of a cluster answer here, too'),
    })
    .prefault({}),
});

/** The configuration as the program uses it: durations in milliseconds, sizes in octets, defaults filled in. */
export type Config = z.infer<typeof configSchema>;
/** As a person writes it in the file. */
export type ConfigInput = z.input<typeof configSchema>;
export type ListenerConfig = z.infer<typeof listenerSchema>;
export type SmtpLimits = z.infer<typeof smtpLimitsSchema>;
export type PluginEntry = z.infer<typeof pluginEntrySchema>;
