import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { HookNumbers } from '../pipeline/hook-meter.ts';
import type { UpstreamConnections } from '../pipeline/upstream-board.ts';
import type { DeliveryNumbers } from './delivery-meter.ts';
import type { EventLoopNumbers } from './event-loop-delay.ts';
import type { HealthSource } from './health.ts';
import { HookDurations } from './hook-durations.ts';
import type { RefusalNumbers } from './refusal-meter.ts';

/** What the relay thread counted. */
export interface RelayNumbers {
  readonly hooks: readonly HookNumbers[];
  readonly deliveries: readonly DeliveryNumbers[];
  /** Connections to each upstream that was spoken to. */
  readonly connections: readonly (UpstreamConnections & { readonly upstream: string })[];
  /** Since it was asked for last; only of a thread of its own, whose delay no other metric shows. */
  readonly eventLoop?: EventLoopNumbers;
}

export interface MetricsSources {
  /** What the hooks of this thread counted. */
  readonly hooks: () => readonly HookNumbers[];
  /** Never rejects: what is not known in time is what was known before. */
  readonly relay: () => Promise<RelayNumbers>;
  readonly health: HealthSource;
  /** What core itself refused, in a process that takes mail. */
  readonly refusals?: () => readonly RefusalNumbers[];
  /** Open SMTP connections, in a process that takes mail. */
  readonly connections?: () => number;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Metrics {
  readonly contentType: string;
  /** The exposition format of Prometheus, as it is now. */
  text(): Promise<string>;
  /** The same as values, to be put together with those of other processes. */
  values(): Promise<MetricValues[]>;
}

/** A metric with its values, as prom-client puts it into JSON. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number];

const refusing: ReadonlySet<string> = new Set(['reject', 'defer', 'disconnect', 'failed', 'timeout']);
const states = ['up', 'down', 'probing', 'unknown'] as const;

/**
 * Everything is counted where it happens, in plain numbers, and put into Prometheus's words when somebody asks. Labels
 * have few values: hooks, plugin ids, upstreams, states; never an address, a user or a message. What each of several
 * processes of a machine says of the same thing is not added up: of a gauge the gravest counts.
 */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  let hooks: readonly HookNumbers[] = [];

  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[] = [], aggregator: Aggregator = 'max') =>
    new Gauge({ name, help, labelNames, registers, aggregator });

  const accepted = counter('sluice_messages_accepted_total', 'Messages taken responsibility for');
  const refused = counter('sluice_refusals_total', 'Refusals by plugins', ['hook', 'plugin', 'verdict']);
  const refusedByCore = counter('sluice_core_refusals_total', 'Refusals by Sluice itself', ['code', 'enhanced']);
  const quota = counter('sluice_quota_refusals_total', 'Recipients refused over a quota', ['plugin']);
  const delivered = counter('sluice_delivery_results_total', 'Recipients tried, by outcome', ['upstream', 'state']);
  const messages = gauge('sluice_queue_messages', 'Messages that still want work');
  const recipients = gauge('sluice_queue_recipients', 'Recipients that still want work', ['state']);
  const leased = gauge('sluice_queue_leased', 'Messages a worker is at');
  const oldest = gauge('sluice_queue_oldest_seconds', 'Age of the oldest message that still wants work');
  const delay = gauge(
    'sluice_relay_event_loop_delay_seconds',
    'How late the relaying thread got to its work since the last look',
    ['quantile'],
  );
  const upstream = gauge('sluice_upstream_state', '1 for the state the upstream is in', ['upstream', 'state']);
  const connections = gauge('sluice_smtp_connections', 'Open SMTP connections', [], 'sum');
  const store = gauge('sluice_store_up', '1 while the database answers', [], 'min');
  gauge('sluice_build_info', 'Always 1', ['version']).set({ version: sources.version }, 1);
  registry.registerMetric(new HookDurations(registry, () => hooks));

  async function collect(): Promise<void> {
    const [relay, health] = await Promise.all([sources.relay(), sources.health.report()]);
    hooks = [...sources.hooks(), ...relay.hooks];
    for (const metric of [accepted, refused, refusedByCore, quota, delivered, recipients, upstream]) metric.reset();
    for (const { hook, plugin, name, verdicts } of hooks) {
      for (const [verdict, count] of Object.entries(verdicts)) {
        if (hook === 'queue' && verdict === 'accept') accepted.inc(count);
        if (!refusing.has(verdict)) continue;
        refused.inc({ hook, plugin, verdict }, count);
        if (name === 'quota' && verdict !== 'failed' && verdict !== 'timeout') quota.inc({ plugin }, count);
      }
    }
    for (const { upstream: name, state, recipients: count } of relay.deliveries) {
      delivered.inc({ upstream: name, state }, count);
    }
    for (const { code, enhanced, count } of sources.refusals?.() ?? []) {
      refusedByCore.inc({ code, enhanced: enhanced ?? '' }, count);
    }
    if (relay.eventLoop !== undefined) {
      const { median, p99, most } = relay.eventLoop;
      delay.set({ quantile: '0.5' }, median);
      delay.set({ quantile: '0.99' }, p99);
      delay.set({ quantile: '1' }, most);
    }
    connections.set(sources.connections?.() ?? 0);
    store.set(health.store === 'up' ? 1 : 0);
    for (const { name, state } of health.upstreams) {
      for (const one of states) upstream.set({ upstream: name, state: one }, one === state ? 1 : 0);
    }
    if (health.queue === null) return;
    const { queue } = health;
    messages.set(queue.messages);
    leased.set(queue.leased);
    oldest.set(queue.oldest === null ? 0 : Math.max(0, (sources.now() - queue.oldest) / 1_000));
    for (const state of ['queued', 'deferred', 'held'] as const) recipients.set({ state }, queue[state]);
  }

  return {
    contentType: registry.contentType,
    async text() {
      await collect();
      return registry.metrics();
    },
    async values() {
      await collect();
      return registry.getMetricsAsJSON();
    },
  };
}
