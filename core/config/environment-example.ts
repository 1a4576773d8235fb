/** A variable as config.env.example shows it. */
interface Example {
  readonly name: string;
  readonly about: string;
  /** Shown as the value; a default stands behind `#`, so that an untouched copy changes nothing. */
  readonly value?: string;
}

interface Group {
  readonly title: string;
  readonly examples: readonly Example[];
}

const groups: readonly Group[] = [
  {
    title: 'Where mail is sent on to. Without a host it is kept in the capture box, and sent to nobody.',
    examples: [
      { name: 'UPSTREAM_SMTP_HOST', about: 'name or address of the relay that takes our mail' },
      { name: 'UPSTREAM_SMTP_PORT', about: 'default: 465 for tls, 587 with a login, else 25' },
      { name: 'UPSTREAM_SMTP_USERNAME', about: 'login there, where it wants one' },
      { name: 'UPSTREAM_SMTP_PASSWORD', about: 'or UPSTREAM_SMTP_PASSWORD_FILE=/run/secrets/upstream' },
      { name: 'UPSTREAM_SMTP_TLS', about: 'none, starttls or tls' },
    ],
  },
  {
    title: 'Who may do what.',
    examples: [
      { name: 'SETUP_TOKEN', about: 'lets the first administrator register from elsewhere than this machine' },
      { name: 'JWT_SECRET', about: 'signs access tokens; made and kept in the data folder where absent' },
      { name: 'SLUICE_SECRETS_KEY', about: 'encrypts stored secrets; made and kept in the data folder where absent' },
      { name: 'DAILY_QUOTA_DEFAULT', about: 'recipients a day of a new credential', value: '1000' },
      { name: 'HOURLY_QUOTA_DEFAULT', about: 'recipients an hour of a new credential', value: '100' },
      { name: 'RATE_LIMIT_REQUESTS', about: 'API requests without a login, an address and window', value: '100' },
      { name: 'RATE_LIMIT_WINDOW', about: 'that window', value: '1h' },
    ],
  },
  {
    title: 'Where Sluice listens and keeps its data.',
    examples: [
      { name: 'SMTP_PORT', about: 'of the first listener', value: '2525' },
      { name: 'API_PORT', about: 'of the API', value: '8080' },
      { name: 'SLUICE_DATA_DIR', about: 'database, keys, certificate', value: './data' },
      { name: 'SLUICE_CONFIG', about: 'another configuration file than configs/sluice.yaml' },
    ],
  },
  {
    title: 'Cluster mode: both, or neither.',
    examples: [
      { name: 'MONGODB_URI', about: 'database' },
      { name: 'REDIS_URL', about: 'wake-ups and counters' },
      { name: 'SLUICE_SMTP__PROCESSES', about: 'processes of one SMTP server; auto: one a processor', value: '1' },
    ],
  },
  {
    title: 'The Postfix of docker-compose.yml, where mail goes that no UPSTREAM_SMTP_HOST takes.',
    examples: [
      { name: 'POSTFIX_HOSTNAME', about: 'its name towards others; that of its reverse DNS, where there is one' },
      { name: 'POSTFIX_RELAYHOST', about: 'the relay that it uses, such as [smtp.provider.example]:587' },
      { name: 'POSTFIX_RELAYHOST_USERNAME', about: 'login there; TLS is then required' },
      { name: 'POSTFIX_RELAYHOST_PASSWORD', about: 'of that login' },
    ],
  },
];

const line = ({ name, about, value = '' }: Example): string => `# ${about}\n#${name}=${value}`;

/** Names that config.env.example shows; a test holds them against the schema. */
export const exampleNames: readonly string[] = groups.flatMap(({ examples }) => examples.map(({ name }) => name));

/** config.env.example, to be copied to config.env. */
export const environmentExample = (): string =>
  `${[
    '# Settings in the environment: cp config.env.example config.env, and take the # away where you set something.\n' +
      '# Stronger than configs/sluice.yaml. Every setting has a name here: docs/configuration.md. NAME_FILE reads NAME from a file.',
    ...groups.map(({ title, examples }) => [`## ${title}`, ...examples.map(line)].join('\n')),
  ].join('\n\n')}\n`;
