import type { ServerFiles } from './server-files.ts';

/** An upstream of the plugin `delivery` that does what a forwarding plugin of Haraka does. */
export interface Forwarded {
  readonly upstream: Readonly<Record<string, unknown>>;
  /** Whether mail of clients that may relay goes there, too (`enable_outbound`). */
  readonly outbound: boolean;
  /** Whether a login is needed, whose password is left out. */
  readonly password: boolean;
}

const forwarders: readonly (readonly [plugin: string, file: string])[] = [
  ['queue/smtp_forward', 'smtp_forward.ini'],
  ['queue/smtp_proxy', 'smtp_proxy.ini'],
];

/** Sections that are no domains. */
const special = new Set(['main', 'tls']);

const nameOf = (domain: string): string => `to-${domain.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;

/** Where the listed forwarding plugin sends mail, the general place first; none where none is listed. */
export function forwardedTo(files: ServerFiles, plugins: readonly string[]): Forwarded[] {
  const [, file] = forwarders.find(([plugin]) => plugins.includes(plugin)) ?? [];
  if (file === undefined) return [];
  const bySender = files.text(file, 'main', 'domain_selector') === 'mail_from';
  const domains = Object.keys(files.sections(file)).filter(
    (section) => !special.has(section) && !section.includes('@'),
  );
  return ['main', ...domains].map((section) => {
    const own = (key: string) => files.text(file, section, key) ?? files.text(file, 'main', key);
    const flag = (key: string) => files.flag(file, section, key, files.flag(file, 'main', key, false));
    const user = own('auth_user');
    const domain = section === 'main' ? {} : { [bySender ? 'sender_domains' : 'recipient_domains']: [section] };
    return {
      outbound: flag('enable_outbound'),
      password: user !== undefined,
      upstream: {
        name: section === 'main' ? 'default' : nameOf(section),
        host: own('host') ?? 'localhost',
        port: Number(own('port')) || (section === 'main' ? 2_555 : 25),
        tls: flag('enable_tls') ? 'starttls' : 'none',
        ...(user === undefined ? {} : { username: user }),
        ...domain,
      },
    };
  });
}
