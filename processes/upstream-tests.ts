import type { UpstreamTests } from '../admin-api/routes/connection-tests.ts';
import type { PluginEntry } from '../core/config/schema.ts';
import { upstreamSchema } from '../core/config/upstream-schema.ts';
import type { ConnectionTest } from '../core/domain/connection-test.ts';
import { SluiceError } from '../core/domain/errors.ts';
import { deliveryEntry } from '../core/settings/upstream-administration.ts';
import { deliveryConfigSchema } from '../plugins/delivery/config.ts';
import type { ConnectionTestRequest } from '../plugins/delivery/connection-test.ts';
import { type SmtpSettings, type UpstreamSettings, upstreamSettings } from '../plugins/delivery/upstream-settings.ts';

/** Each holds a socket and waits; who asks for more at once is not testing settings. */
const mostAtOnce = 4;
/** Where mail servers listen. */
const mailPorts: ReadonlySet<number> = new Set([25, 465, 587, 2525]);

const isSmtp = (upstream: UpstreamSettings): upstream is SmtpSettings => upstream.type === 'smtp';

function smtp(upstream: UpstreamSettings | undefined): SmtpSettings {
  if (upstream === undefined) throw new SluiceError('NOT_FOUND', 'there is no such upstream in the configuration');
  if (isSmtp(upstream)) return upstream;
  throw new SluiceError('CONFLICT', 'this upstream is a capture box: it connects to nobody');
}

/** Settings as written, with every default; `REQUEST_INVALID` with each place that is wrong. */
function settled(settings: Readonly<Record<string, unknown>>): SmtpSettings {
  const result = upstreamSchema.safeParse({ ...settings, name: 'unsaved' });
  if (result.success) return smtp(upstreamSettings({ upstreams: [result.data] })[0]);
  const problems = result.error.issues.map(({ path, message }) => ({ path: ['body', ...path].join('.'), message }));
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new SluiceError('REQUEST_INVALID', text, { problems });
}

/** Says where sessions may be tried, and has `run` try them there where mail is relayed. */
export function createUpstreamTests(options: {
  readonly plugins: () => readonly PluginEntry[];
  /** `api.connection_test_networks` */
  readonly networks: readonly string[];
  readonly run: (request: ConnectionTestRequest) => Promise<ConnectionTest>;
}): UpstreamTests {
  const { plugins, networks, run } = options;
  let underWay = 0;

  const configured = (): readonly UpstreamSettings[] => {
    const entry = deliveryEntry(plugins());
    // One that is off may be wrong.
    const config = deliveryConfigSchema.safeParse(entry?.config);
    return config.success ? upstreamSettings(config.data) : [];
  };
  const bounded = async (request: ConnectionTestRequest): Promise<ConnectionTest> => {
    if (underWay >= mostAtOnce) {
      throw new SluiceError(
        'RATE_LIMITED',
        `${mostAtOnce} connections are being tested already; try again in a moment`,
      );
    }
    underWay += 1;
    try {
      return await run(request);
    } finally {
      underWay -= 1;
    }
  };
  const isKnown = ({ host, port }: SmtpSettings): boolean =>
    configured().some(
      (one) =>
        isSmtp(one) && one.host.toLowerCase() === host.toLowerCase() && (one.port === port || mailPorts.has(port)),
    );

  return {
    ofConfigured: async (name) =>
      bounded({ settings: smtp(configured().find((one) => one.name === name)), networks: null }),
    async ofSettings(written) {
      const settings = settled(written);
      if (isKnown(settings)) return bounded({ settings, networks: null });
      if (networks.length > 0) return bounded({ settings, networks });
      throw new SluiceError(
        'FORBIDDEN',
        `${settings.host}:${settings.port} is no upstream's; api.connection_test_networks says where else connections may be tested`,
      );
    },
  };
}
