/* `npm run bench`: measures Sluice beside its peers in one interleaved run, and prints the table of ratios. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { available } from '../tests/support/available.ts';
import { benchFolder } from './bench-folder.ts';
import { type BenchOptions, readOptions, usage } from './options.ts';
import { relaysOf, shareOfMessages } from './relays/all-relays.ts';
import type { Relay } from './relays/relay.ts';
import { document } from './report/document.ts';
import { Progress } from './report/progress.ts';
import { Results } from './report/results.ts';
import { plainTable, tables } from './report/tables.ts';
import { flushesPerMessage } from './scenarios/flushes.ts';
import { largeMessages } from './scenarios/large.ts';
import { scenarios } from './scenarios/measurement.ts';
import { profile, profileLines } from './scenarios/profile.ts';
import { measure } from './scenarios/throughput.ts';
import { verify } from './scenarios/verify.ts';
import { waitingMessages } from './scenarios/waiting.ts';

class Benchmark {
  readonly #options: BenchOptions;
  readonly #folder: string;
  readonly #progress = new Progress();
  readonly results: Results;
  #relays: Relay[] = [];

  constructor(options: BenchOptions, folder: string) {
    this.#options = options;
    this.results = new Results(options.mode);
    this.#folder = folder;
  }

  async run(): Promise<void> {
    await this.#prepare();
    await this.#rounds();
    await this.#correctness();
    await this.#long();
  }

  /** Whether a name was asked for; names of one kind do not narrow the other kind. */
  #wanted(name: string, among: readonly string[]): boolean {
    const named = this.#options.only.filter((only) => among.includes(only));
    return named.length === 0 || named.includes(name);
  }

  #scenario(name: string): boolean {
    return this.#wanted(name, [...scenarios.map((scenario) => scenario.name), 'verify', 'flushes', 'large', 'waiting']);
  }

  async #attempt(what: string, work: () => Promise<string>): Promise<void> {
    this.#progress.begin(what);
    try {
      this.#progress.end(`${what}: ${await work()}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.results.failures.push(`${what}: ${reason.split('\n', 1)[0]}`);
      this.#progress.end(`${what}: FAILED, ${reason}`);
    }
  }

  async #prepare(): Promise<void> {
    const relays = relaysOf(this.#options.mode);
    const names = relays.map(({ name }) => name);
    for (const relay of relays.filter(({ name }) => this.#wanted(name, names))) {
      const missing = relay.missing() ?? (relay.relays && this.#lacksSink());
      if (missing) {
        this.results.failures.push(`${relay.label}: ${missing}`);
        continue;
      }
      await this.#attempt(relay.label, async () => {
        const version = await relay.prepare();
        this.results.relays.push({ name: relay.name, label: relay.label, version, difference: relay.difference });
        this.#relays.push(relay);
        return version;
      });
    }
  }

  #lacksSink(): string | undefined {
    const { found, remedy } = available('smtp-sink');
    return found === undefined ? remedy : undefined;
  }

  async #rounds(): Promise<void> {
    const { rounds, shape } = this.#options;
    for (let round = 1; round <= rounds; round += 1) {
      for (const scenario of scenarios.filter(({ name }) => this.#scenario(name))) {
        for (const relay of this.#relays.filter((one) => one.relays || scenario.withoutRelaying)) {
          const share = shareOfMessages(relay, scenario.keepAlive);
          const own = {
            ...shape,
            messages: Math.ceil(shape.messages * share),
            // A generator sends one on each of its connections at least.
            warmUp: Math.max(shape.connections, Math.ceil(shape.warmUp * share)),
          };
          await this.#attempt(`round ${round}/${rounds}, ${scenario.title}, ${relay.label}`, async () => {
            const measured = await measure(relay, scenario, own, this.#folder);
            this.results.add(scenario, relay.name, measured);
            const relayed = Number.isNaN(measured.relay) ? '' : `, ${measured.relay.toFixed(0)} relayed`;
            return `${measured.accept.toFixed(0)} accepted${relayed} a second`;
          });
        }
      }
    }
  }

  async #correctness(): Promise<void> {
    const { shape, verified, quick } = this.#options;
    const relaying = this.#relays.filter((relay) => relay.relays && (!quick || relay.name === 'sluice'));
    for (const relay of relaying.filter(() => this.#scenario('verify'))) {
      await this.#attempt(`every message compared, ${relay.label}`, async () => {
        const sent = Math.min(verified, Math.ceil(shape.messages * relay.share));
        const found = await verify(relay, shape, sent, this.#folder);
        this.results.verified.set(relay.name, found);
        return `${found.sent} sent, ${found.lost} lost, ${found.doubled} doubled, ${found.changed} changed`;
      });
    }
    if (available('strace').found === undefined) return;
    for (const relay of relaying.filter(({ flushes }) => flushes && this.#scenario('flushes'))) {
      await this.#attempt(`flushes, ${relay.label}`, async () => {
        const flushes = await flushesPerMessage(relay, shape, Math.min(verified, 2_000), this.#folder);
        this.results.flushes.set(relay.name, flushes);
        return `${flushes.toFixed(2)} a message`;
      });
    }
  }

  async #long(): Promise<void> {
    const { quick, shape, mode } = this.#options;
    const [sluice] = relaysOf(mode);
    if (quick || !this.#relays.includes(sluice)) return;
    if (this.#scenario('large')) {
      await this.#attempt(`${sluice.large} messages of 25 MB`, async () => {
        const large = await largeMessages(sluice, shape, this.#folder);
        this.results.large = large;
        return `memory grew by ${large.growth.toFixed(0)} MB in ${large.seconds.toFixed(1)} s`;
      });
    }
    if (this.#scenario('waiting')) {
      await this.#attempt(`${sluice.waiting.toLocaleString('en')} messages waiting`, async () => {
        const waiting = await waitingMessages(sluice, shape, this.#folder);
        this.results.waiting = waiting;
        return `started in ${waiting.start.toFixed(2)} s, ${(waiting.accept / waiting.acceptEmpty).toFixed(2)} of the rate`;
      });
    }
  }
}

const main = async (): Promise<void> => {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(usage);
    return;
  }
  await using folder = await benchFolder();
  if (options.profile) {
    const keepAlive = !options.only.includes('connection');
    for (const line of profileLines(await profile(options.shape, keepAlive, folder.path))) console.log(line);
    return;
  }
  const benchmark = new Benchmark(options, folder.path);
  await benchmark.run();
  const { results } = benchmark;
  for (const table of tables(results)) console.log(`\n${plainTable(table)}`);
  for (const failure of results.failures) console.log(`\nnot measured: ${failure}`);
  if (options.record !== undefined) {
    const file = resolve(import.meta.dirname, '../docs', options.record);
    await writeFile(file, document(results, options.shape, options.rounds, new Date(), process.argv.slice(2)));
    console.log(`\nwritten to ${file}`);
  }
  const wrong = [...results.verified.values()].some(({ lost, doubled, changed }) => lost + doubled + changed > 0);
  process.exitCode = wrong || results.failures.length > 0 ? 1 : 0;
};

await main();
