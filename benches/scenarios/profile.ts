import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { createCredential, registerFirst } from '../../tests/support/api-client.ts';
import { startSluice } from '../../tests/support/process.ts';
import { startCountingSink } from '../load/counting-sink.ts';
import { nextRun, runLoad } from '../load/run-load.ts';
import { readProfiles, type ThreadProfile } from '../measure/processor-profile.ts';
import { threadTimes } from '../measure/thread-times.ts';
import { sluiceConfiguration } from '../relays/sluice-configuration.ts';
import { allRelayed, type LoadShape } from './throughput.ts';

export interface ProfileResult {
  /** Processor time a message in milliseconds, by thread. */
  threads: { name: string; time: number }[];
  profiles: ThreadProfile[];
}

/** Where Sluice's time goes, accepting and relaying: by thread first, then, in a second run, by function. */
export const profile = async (shape: LoadShape, keepAlive: boolean, parent: string): Promise<ProfileResult> => {
  const traffic = async (nodeOptions: string) => {
    const folder = await mkdtemp(join(parent, 'profile-'));
    await using sink = await startCountingSink(parent);
    await using running = await startSluice({
      folder,
      configure: sluiceConfiguration(sink.port),
      env: nodeOptions === '' ? {} : { NODE_OPTIONS: nodeOptions },
    });
    const { username, password } = await createCredential(await registerFirst(running.api), { name: 'bench' });
    const { connections, size, startTls, warmUp, messages } = shape;
    const login = { username, password };
    const load = { port: running.ports.smtp, connections, size, startTls, keepAlive, login };
    await runLoad({ ...load, messages: warmUp, run: nextRun() });
    await allRelayed(sink, warmUp);
    const before = threadTimes(running.child.pid);
    await runLoad({ ...load, messages, run: nextRun() });
    await allRelayed(sink, warmUp + messages);
    const after = threadTimes(running.child.pid);
    // Profiles are written by a process that ends in order.
    await running.terminate();
    return [...after].map(([name, time]) => ({ name, time: (time - (before.get(name) ?? 0)) / messages }));
  };
  const threads = await traffic('');
  const folder = await mkdtemp(join(parent, 'profiles-'));
  await traffic(`--cpu-prof --cpu-prof-dir=${folder}`);
  return { threads: threads.sort((a, b) => b.time - a.time), profiles: readProfiles(folder, 20) };
};

/** The result as lines for a terminal. */
export const profileLines = ({ threads, profiles }: ProfileResult): string[] => [
  'Processor time a message by thread',
  ...threads.filter(({ time }) => time >= 0.001).map(({ name, time }) => `  ${time.toFixed(3)} ms  ${name}`),
  ...profiles
    .filter(({ busy }) => busy > 500)
    .flatMap(({ busy, functions }) => [
      `A thread busy for ${busy.toFixed(0)} ms`,
      ...functions.map(({ name, share }) => `  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`),
    ]),
];
