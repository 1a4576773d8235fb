import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { harakaProcess } from '../host/haraka-process.ts';
import { PluginHost } from '../host/plugin-host.ts';

/** A Haraka installation in a folder of its own, gone with the test. */
export interface Site extends AsyncDisposable {
  readonly home: string;
  write(name: string, text: string): Promise<void>;
}

export async function createSite(files: Readonly<Record<string, string>>): Promise<Site> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-haraka-'));
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), text);
  };
  await mkdir(join(home, 'config'));
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return { home, write, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) };
}

/** Loads plugins of a site as a bridge does. */
export async function loadSite(site: Site, names: readonly string[]): Promise<PluginHost> {
  const process = await harakaProcess(site.home, pino({ level: 'silent' }));
  const host = new PluginHost(process, site.home);
  process.hosts.add(host);
  await host.load(names);
  return host;
}
