import { type Reply, reply } from '../domain/reply.ts';
import { type HookName, type HookParams, hookTable } from './hooks.ts';
import type {
  AcceptedBy,
  Call,
  FirstName,
  GateAnswer,
  GateName,
  ObserverName,
  Pipeline,
  PipelineSource,
  RefusedBy,
} from './pipeline.ts';
import type { Accept } from './verdict.ts';

type Now<T> = T | Promise<T>;

const text = 'This server has to catch up with a change of its settings; please try again in a moment';

/** What the hook says where it fails, with a reason of its own. */
const refusalOf = (hook: HookName): RefusedBy => {
  const code = hookTable[hook].fallback?.code ?? 451;
  const answer: Reply = reply(code, '4.3.2', text);
  return { do: code === 421 ? 'disconnect' : 'defer', reply: answer, plugin: 'core' };
};

/** Answers of these tell what has been done, and cannot be taken back. */
const irrevocable: ReadonlySet<HookName> = new Set(['queue', 'deliver', 'command']);

/** A pipeline that judges only while its version may. */
class GuardedPipeline implements Pipeline {
  readonly version: number;
  readonly mayGrant: boolean;
  readonly #pipeline: Pipeline;
  readonly #mayJudge: (version: number) => boolean;

  constructor(pipeline: Pipeline, mayJudge: (version: number) => boolean) {
    this.version = pipeline.version;
    this.mayGrant = pipeline.mayGrant;
    this.#pipeline = pipeline;
    this.#mayJudge = mayJudge;
  }

  gate<K extends GateName>(hook: K, params: HookParams<K>, call: Call): Now<GateAnswer> {
    if (!this.#mayJudge(this.version)) return { refused: this.#refuse(hook, call) };
    const answer = this.#pipeline.gate(hook, params, call);
    if (!(answer instanceof Promise)) return answer;
    // The process may have been frozen while a plugin waited for an answer.
    return answer.then((later) => (this.#mayJudge(this.version) ? later : { refused: this.#refuse(hook, call) }));
  }

  first<K extends FirstName>(
    hook: K,
    params: HookParams<K>,
    call: Call,
  ): Now<Accept<AcceptedBy<K>> | RefusedBy | undefined> {
    if (!this.#mayJudge(this.version)) return this.#refuse(hook, call);
    const answer = this.#pipeline.first(hook, params, call);
    if (!(answer instanceof Promise) || irrevocable.has(hook)) return answer;
    return answer.then((later) => (this.#mayJudge(this.version) ? later : this.#refuse(hook, call)));
  }

  tell<K extends ObserverName>(hook: K, params: HookParams<K>, call: Call): void {
    this.#pipeline.tell(hook, params, call);
  }

  has(hook: HookName): boolean {
    return this.#pipeline.has(hook);
  }

  hold(): () => void {
    return this.#pipeline.hold();
  }

  #refuse(hook: HookName, call: Call): RefusedBy {
    const refused = refusalOf(hook);
    call.trace.add(hook, 'core', 'outdated', 0, refused.reply);
    return refused;
  }
}

/**
 * The same pipelines, fail closed: none gives a verdict while `mayJudge` denies it to its version, be it that the
 * process could not learn for a while which version is in force, or that this one was replaced meanwhile.
 */
export function guardPipelines(source: PipelineSource, mayJudge: (version: number) => boolean): PipelineSource {
  const guarded = new WeakMap<Pipeline, Pipeline>();
  const guard = (pipeline: Pipeline): Pipeline => {
    let known = guarded.get(pipeline);
    if (known === undefined) {
      known = new GuardedPipeline(pipeline, mayJudge);
      guarded.set(pipeline, known);
    }
    return known;
  };
  return {
    current: (listener) => guard(source.current(listener)),
    changedSince: (listener, version) => {
      const changed = source.changedSince(listener, version);
      return changed === null ? null : guard(changed);
    },
  };
}
