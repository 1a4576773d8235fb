import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConfigurationFolder } from '../../core/config/testing/configuration-folder.ts';
import { systemClock } from '../../core/domain/clock.ts';
import { createLog } from '../../core/observability/log.ts';
import { FleetMember } from '../../core/settings/fleet-member.ts';
import { FleetView } from '../../core/settings/fleet-view.ts';
import { decidePending } from '../../core/settings/pending-candidate.ts';
import { SettingsVersions } from '../../core/settings/settings-versions.ts';
import { MemoryBus } from '../../core/storage/memory/bus.ts';
import { type MongodbStore, openMongodbStore } from '../../core/storage/mongodb/store.ts';
import type { ProcessRole } from '../../core/storage/ports/processes.ts';
import type { SettingsOverlay } from '../../core/storage/ports/settings.ts';
import { describeWith } from '../support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../support/mongodb-database.ts';
import { waitFor } from '../support/wait-for.ts';

/*
 * Processes that share a database and nothing else: no bus between them, so that what they learn they learn by looking.
 * Each is a member with a connection of its own.
 */
const log = createLog({ level: 'silent' });
const beat = 50;
const outdated = 4_000;
const patience = { lapse: 3_000, decision: 6_000 };

interface Participant {
  readonly versions: SettingsVersions;
  readonly member: FleetMember;
  readonly view: FleetView;
  readonly store: MongodbStore;
  readonly bus: MemoryBus;
  /** Versions that were put in force here, and what they said of the quota's time zone. */
  readonly applied: [number, unknown][];
  /** While set, nothing builds here. */
  broken: string | null;
  /** Time zones that were built and closed again. */
  readonly rehearsed: unknown[];
  leave(): Promise<void>;
}

const overlay = (timeZone: string): SettingsOverlay => ({
  plugins: { quota: { patch: { config: { time_zone: timeZone } }, beneath: {} } },
  order: null,
});

describeWith(['mongodb'], 'processes that share the settings of their plugins', () => {
  let database: TestDatabase;
  let folder: ConfigurationFolder;
  let open: Participant[] = [];

  beforeEach(async () => {
    database = await testDatabase();
    folder = new ConfigurationFolder();
  });
  afterEach(async () => {
    for (const one of open) await one.leave();
    open = [];
    folder[Symbol.dispose]();
    await database.drop();
  });

  const join = async (roles: readonly ProcessRole[], file = 'plugins:\n  - use: quota\n'): Promise<Participant> => {
    const store = await openMongodbStore({ uri: database.uri, log, ambiguousDelay: 600_000 });
    const { settings, processes, rehearsals } = store;
    const bus = new MemoryBus(log);
    const view = new FleetView({ processes, rehearsals, bus, clock: systemClock, patience });
    const versions = await SettingsVersions.prepare({
      settings,
      sealing: { seal: (text) => text, open: (text) => text },
      fingerprint: (text) => text,
      read: (given) => folder.load(file, { overlay: given }),
      differences: async () => [],
      bus,
      clock: systemClock,
      fleet: view,
    });
    const applied: [number, unknown][] = [];
    const rehearsed: unknown[] = [];
    const build = async () => {
      if (participant.broken !== null) throw new Error(participant.broken);
    };
    await versions.started({
      async apply(plugins, number) {
        await build();
        applied.push([number, plugins[0]?.config.time_zone]);
      },
      async rehearse(plugins) {
        await build();
        rehearsed.push(plugins[0]?.config.time_zone);
      },
    });
    const id = crypto.randomUUID();
    const member = await FleetMember.join({
      who: { id, roles, host: 'here', pid: process.pid, release: '1', startedAt: systemClock.now() },
      running: () => ({ hooks: [], upstreams: [] }),
      processes,
      rehearsals,
      settings,
      versions,
      bus,
      clock: systemClock,
      log,
      beat,
      outdated,
    });
    let left = false;
    const participant: Participant = {
      versions,
      member,
      view,
      store,
      bus,
      applied,
      broken: null,
      rehearsed,
      async leave() {
        if (left) return;
        left = true;
        await member.close();
        await store.close();
      },
    };
    open.push(participant);
    return participant;
  };

  const change = ({ versions }: Participant, timeZone: string) =>
    versions.propose('change', { author: null }, async () => overlay(timeZone));
  const runs = (participant: Participant, number: number) =>
    waitFor(`version ${number} to run`, () => participant.versions.current.number === number);

  it('starts with one version, whoever comes first, and puts a change in force everywhere', async () => {
    const [api, smtp, worker] = await Promise.all([join(['api']), join(['smtp']), join(['worker'])]);
    expect([api, smtp, worker].map(({ versions }) => versions.current.number)).toEqual([1, 1, 1]);
    const outcome = await change(api, 'Asia/Tokyo');
    expect(outcome).toMatchObject({ version: 2, state: 'current' });
    for (const participant of [smtp, worker]) {
      await runs(participant, 2);
      expect(participant.applied).toEqual([[2, 'Asia/Tokyo']]);
      // What began before goes on to its end.
      expect([1, 2, 3].map(participant.member.mayJudge)).toEqual([true, true, false]);
    }
    const late = await join(['smtp']);
    expect(late.versions.current.number).toBe(2);
    expect(late.versions.current.loaded.config.plugins[0]?.config).toEqual({ time_zone: 'Asia/Tokyo' });
  });

  it('changes nothing where one process cannot build it, and says which', async () => {
    const [api, smtp, worker] = await Promise.all([join(['api']), join(['smtp']), join(['worker'])]);
    worker.broken = 'the disk is red';
    await expect(change(api, 'Asia/Tokyo')).rejects.toMatchObject({
      code: 'PLUGIN_START_FAILED',
      message: expect.stringMatching(/worker here:\d+ cannot build it: the disk is red/),
    });
    expect(await api.store.settings.version(2)).toMatchObject({ state: 'rejected' });
    expect([api, smtp, worker].map(({ versions }) => versions.current.number)).toEqual([1, 1, 1]);
    expect(smtp.applied).toEqual([]);
    worker.broken = null;
    expect(await change(api, 'Europe/Berlin')).toMatchObject({ version: 3, state: 'current' });
  });

  it('lets one of two changes at once through', async () => {
    const [first, second] = await Promise.all([join(['api']), join(['api']), join(['smtp']), join(['worker'])]);
    const outcomes = await Promise.allSettled([change(first, 'Asia/Tokyo'), change(second, 'Europe/Berlin')]);
    const [winner] = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.version] : []));
    const losers = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    expect(losers).toEqual(['CONFLICT']);
    await Promise.all([first, second].map((one) => runs(one, winner ?? 0)));
  });

  it('waits for no process that died, and for none that left', async () => {
    const [api, smtp, dead, leaver] = await Promise.all([
      join(['api']),
      join(['smtp']),
      join(['smtp']),
      join(['smtp']),
      join(['worker']),
    ]);
    await leaver.leave();
    await api.view.living();
    // As after a kill: it tells nothing more, and its record stays.
    await dead.store.database.close();
    expect(await change(api, 'Asia/Tokyo')).toMatchObject({ version: 2, state: 'current' });
    await runs(smtp, 2);
    // Cut off from the database, it noticed that it knows nothing any more.
    await waitFor('the one that was cut off to judge no more', () => !dead.member.mayJudge(1));
    expect(dead.member.ailment).toMatch(/could not learn/);
  });

  it('stays a candidate while no worker runs, and is in force once one came', async () => {
    const [api, smtp] = await Promise.all([join(['api']), join(['smtp'])]);
    expect(await change(api, 'Asia/Tokyo')).toMatchObject({ version: 2, state: 'candidate' });
    expect(smtp.applied).toEqual([]);
    await join(['worker']);
    const later = { now: () => systemClock.now() + 60_000 };
    const options = { settings: api.store.settings, view: api.view, bus: api.bus, clock: later, log };
    await waitFor('the candidate to be in force', async () => {
      await decidePending(options);
      return smtp.versions.current.number === 2;
    });
  });

  it('gives no verdict by what is current and does not build here, until it does', async () => {
    const [api, smtp] = await Promise.all([join(['api']), join(['smtp']), join(['worker'])]);
    await change(api, 'Asia/Tokyo');
    await runs(smtp, 2);
    smtp.broken = 'no memory';
    // Accepted behind its back.
    const version = { number: 3, overlay: overlay('Europe/Berlin'), fingerprint: 'x', cause: 'change' as const };
    await api.store.settings.propose({ ...version, author: null, at: systemClock.now() });
    await api.store.settings.accept(3);
    await waitFor('it to be unfit', () => !smtp.member.mayJudge(2) && !smtp.member.mayJudge(3));
    expect(smtp.member.ailment).toMatch(/version 3 is current, and cannot be built here: no memory/);
    const record = (await api.store.processes.list()).find(({ unfit }) => unfit !== null);
    expect(record).toMatchObject({ roles: ['smtp'], settings: 2 });
    smtp.broken = null;
    await runs(smtp, 3);
    await waitFor('it to judge again', () => smtp.member.mayJudge(3));
  });

  const dryRun = ({ versions }: Participant, timeZone: string) =>
    versions.propose('change', { author: null, dryRun: true }, async () => overlay(timeZone));

  it('builds a dry run in one process of each kind, and changes nothing', async () => {
    const [api, smtp, worker] = await Promise.all([join(['api']), join(['smtp']), join(['worker'])]);
    expect(await dryRun(api, 'Asia/Tokyo')).toMatchObject({
      version: 1,
      state: 'current',
      tried: [
        { process: expect.stringMatching(/^smtp here:/), built: true, reason: null },
        { process: expect.stringMatching(/^worker here:/), built: true, reason: null },
      ],
    });
    expect([smtp.rehearsed, worker.rehearsed]).toEqual([['Asia/Tokyo'], ['Asia/Tokyo']]);
    expect([smtp.applied, worker.applied]).toEqual([[], []]);
    expect(await api.store.settings.latest()).toBe(1);
    expect(await api.store.database.collection('rehearsals').countDocuments()).toBe(0);
  });

  it('says which process cannot build a dry run', async () => {
    const [api, smtp, worker] = await Promise.all([join(['api']), join(['smtp']), join(['worker'])]);
    worker.broken = 'the disk is red';
    await expect(dryRun(api, 'Asia/Tokyo')).rejects.toMatchObject({
      code: 'PLUGIN_START_FAILED',
      message: expect.stringMatching(/worker here:\d+ cannot build it: the disk is red/),
    });
    worker.broken = null;
    expect(await change(api, 'Europe/Berlin')).toMatchObject({ version: 2, state: 'current' });
    await runs(smtp, 2);
    expect(smtp.applied).toEqual([[2, 'Europe/Berlin']]);
  });

  it('asks another process where the one that was asked falls silent', async () => {
    const [api, dead] = await Promise.all([join(['api']), join(['smtp', 'worker'])]);
    await api.view.living();
    await dead.store.database.close();
    const running = dryRun(api, 'Asia/Tokyo');
    // Until then there was nobody else to ask.
    await Promise.all([join(['smtp']), join(['worker'])]);
    expect((await running).tried).toMatchObject([
      { process: expect.stringMatching(/^smtp here/), built: true },
      { process: expect.stringMatching(/^worker here/), built: true },
    ]);
  });

  it('says where a dry run was not tried: by a release before it, and by a kind that does not run', async () => {
    const api = await join(['api']);
    // As the release before tells of itself: it looks for candidates, and knows of no dry run.
    const facts = { id: 'old', roles: ['smtp'] as const, host: 'there', pid: 17, release: '0.0.9', startedAt: 1 };
    const state = { ...facts, settings: 1, built: null, unfit: null, hooks: [], upstreams: [] };
    await api.store.processes.beat(state, 1);
    expect((await dryRun(api, 'Asia/Tokyo')).tried).toEqual([
      { process: 'smtp there:17', built: false, reason: 'not tried: its release 0.0.9 knows no dry run' },
      { process: 'worker', built: false, reason: 'not tried: no such process runs' },
    ]);
  });

  it('a process whose file differs makes a version of its own, and the others go on with their file', async () => {
    const [smtp] = await Promise.all([join(['smtp']), join(['worker'])]);
    const other = await join(['api'], 'plugins:\n  - use: quota\n  - use: delivery\n');
    expect(other.versions.current.number).toBe(2);
    await runs(smtp, 2);
    expect(smtp.versions.current.loaded.config.plugins.map(({ use }) => use)).toEqual(['quota']);
  });
});
