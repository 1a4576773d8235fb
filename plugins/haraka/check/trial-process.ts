import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { pluginIdentity } from '../../../core/domain/identity.ts';
import { type HarakaProcess, harakaProcess } from '../host/haraka-process.ts';
import { PluginHost } from '../host/plugin-host.ts';
import { createOutbound } from '../outbound/outbound-facade.ts';
import { needsOf } from './needs.ts';
import { type Registered, ready, type SiteSettings, type Trial, type TrialFailure } from './trial.ts';

/*
 * A process of its own for code that is only tried: whatever a plugin opens, starts or changes in its register() ends
 * with it. It is started with the folder, given one `Trial`, answers once, and is then killed.
 */

/** Lines of the log that are warnings or worse. */
const said: string[] = [];
const log = pino(
  { level: 'warn' },
  new Writable({
    write: (line: Buffer, _encoding, done) => {
      const { msg } = JSON.parse(line.toString('utf8')) as { readonly msg?: string };
      if (msg !== undefined) said.push(msg.split('\n', 1)[0] ?? '');
      done();
    },
  }),
);

const [home = ''] = process.argv.slice(2);
const haraka = await harakaProcess(home, log);
haraka.outbound ??= mute(haraka);

function siteSettings(files: readonly string[]): SiteSettings {
  const listed = new PluginHost(haraka, home).files.get('plugins', 'list');
  // Without the defaults of the package: what the site itself says.
  const own = haraka.libraries.files.module_config(home);
  const there = files.filter((name) => existsSync(join(home, 'config', name)));
  return {
    plugins: Array.isArray(listed) ? listed.map(String) : [],
    files: Object.fromEntries(there.map((name) => [name, own.get(name)])),
  };
}

/** Names of the files that are asked for from now on. */
function filesAskedFor({ libraries: { files } }: HarakaProcess): ReadonlySet<string> {
  const names = new Set<string>();
  const makeFor = files.module_config.bind(files);
  files.module_config = (defaults, overrides) => {
    const made = makeFor(defaults, overrides);
    const get = made.get.bind(made);
    made.get = (name, ...how) => {
      names.add(name);
      return get(name, ...how);
    };
    return made;
  };
  return names;
}

/** Haraka's outbound as a bridge has it, except that nothing can be sent. */
function mute({ libraries, log: harakasLog }: HarakaProcess) {
  return createOutbound({
    libraries,
    harakasLog,
    files: libraries.files,
    runners: () => [],
    send: { send: () => Promise.reject(new Error('plugins are only tried here: no mail is sent')) },
    identity: pluginIdentity('haraka'),
    limits: { main: { spool_after: -1, spool_dir: home }, headers: { max_lines: 1_000 } },
    hostname: 'localhost',
  });
}

async function register(listed: string): Promise<Registered> {
  const asked = filesAskedFor(haraka);
  const host = new PluginHost(haraka, home);
  haraka.hosts.add(host);
  await host.load([listed]);
  const settings = [...asked].filter((name) => existsSync(join(home, 'config', name)));
  const plugin = host.plugins.get(listed);
  return { hooks: host.hooks.names(), needs: plugin === undefined ? [] : needsOf(plugin), settings, said };
}

async function answer(trial: Trial): Promise<SiteSettings | Registered | TrialFailure> {
  try {
    return await (trial.job === 'settings' ? siteSettings(trial.files) : register(trial.plugin));
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error), said };
  }
}

// Listening keeps the process alive where a plugin never answers and leaves nothing behind that would.
process.on('message', async (trial: Trial) => {
  process.send?.(await answer(trial));
});
process.send?.(ready);
