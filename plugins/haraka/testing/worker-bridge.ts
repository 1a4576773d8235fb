import { pino } from 'pino';
import { z } from 'zod';
import { systemClock } from '../../../core/domain/clock.ts';
import { contractVersion, definePlugin, type Plugin } from '../../../core/pipeline/plugin.ts';
import { HookRunner } from '../hook-runner.ts';
import { workerHooks } from '../outbound/worker-hooks.ts';
import { loadSite, type Site } from './site.ts';

/** Loads plugins of a site, and answers a plugin with their places in a worker. */
export async function workerBridge(site: Site, names: readonly string[]): Promise<Plugin> {
  const host = await loadSite(site, names);
  const hooks = workerHooks({
    runner: new HookRunner(host),
    libraries: host.process.libraries,
    files: host.files,
    harakasLog: host.process.log,
    log: pino({ level: process.env.SLUICE_TEST_LOG ?? 'silent' }),
    clock: systemClock,
  });
  return definePlugin({
    name: 'haraka',
    version: '1.0.0',
    contract: contractVersion,
    summary: 'The worker side of a bridge',
    roles: ['worker'],
    config: z.strictObject({}),
    needs: {},
    init: () => ({ hooks }),
  }) as unknown as Plugin;
}
