import { readFileSync } from 'node:fs';
import type { SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';
import type { SmtpSettings } from './upstream-settings.ts';

/** nodemailer's own idle timer never decides: the pool's deadlines are absolute and shorter. In milliseconds. */
const longestSilence = 24 * 3_600_000;

/**
 * What nodemailer is told. `starttls` is required and `none` never tries: only `opportunistic` goes on in clear, where
 * STARTTLS is not offered or refused. Throws where the file of authorities cannot be read.
 */
export function connectionOptions(settings: SmtpSettings, hostname: string): SMTPConnectionOptions {
  return {
    host: settings.host,
    port: settings.port,
    secure: settings.tls === 'tls',
    requireTLS: settings.tls === 'starttls',
    ignoreTLS: settings.tls === 'none',
    opportunisticTLS: settings.tls === 'opportunistic',
    lmtp: settings.lmtp,
    name: settings.ehloName ?? hostname,
    ...(settings.localAddress === null ? {} : { localAddress: settings.localAddress }),
    tls: {
      rejectUnauthorized: settings.verify,
      minVersion: settings.minimumVersion,
      ...(settings.authorities === null ? {} : { ca: readFileSync(settings.authorities) }),
      ...(settings.serverName === null ? {} : { servername: settings.serverName }),
    },
    connectionTimeout: settings.timeouts.connect,
    greetingTimeout: settings.timeouts.connect,
    dnsTimeout: settings.timeouts.connect,
    socketTimeout: longestSilence,
    socketCloseTimeout: 1_000,
  };
}
