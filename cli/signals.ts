import type { RunningProcess } from '../processes/running-process.ts';

/** Draining takes 30 s at most; after this, something hangs that must not keep the process for ever. */
const longestStop = 35_000;

export interface SignalVoice {
  note(text: string): void;
  failed(error: unknown): void;
}

/**
 * Waits for the end: SIGTERM and SIGINT stop in order, SIGHUP reloads, and a part that dies stops the rest and is
 * thrown. More signals change nothing, not even between the last close and the end of the process: the handlers stay.
 */
export async function untilStopped(running: RunningProcess, voice: SignalVoice): Promise<void> {
  const asked = Promise.withResolvers<NodeJS.Signals>();
  const stop = (signal: NodeJS.Signals) => {
    voice.note(
      stopping ? 'Still finishing what is on its way; 30 s at most.' : `${signal}: finishing what is on its way …`,
    );
    stopping = true;
    asked.resolve(signal);
  };
  let stopping = false;
  let reloading: Promise<void> = Promise.resolve();
  const reload = () => {
    reloading = reloading.then(async () => {
      try {
        await running.reload();
        voice.note('Configuration and certificates were read again.');
      } catch (error) {
        voice.failed(error);
        voice.note('The configuration in force stays as it was.');
      }
    });
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload);
  try {
    await Promise.race([asked.promise, running.failed]);
    await reloading;
  } finally {
    const hanging = setTimeout(() => {
      voice.note('Something did not stop in time; leaving anyway. Nothing that was accepted is lost.');
      // Not `exitCode`: what hangs would keep the process.
      process.exit(70);
    }, longestStop).unref();
    await running.stop();
    clearTimeout(hanging);
  }
}
