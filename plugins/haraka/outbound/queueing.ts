/*
 * Plugins such as queue/lmtp answer `queue` by handing the transaction itself to Haraka's outbound. Here that is the mail
 * which the pipeline is about to queue: it is queued once, under its own id, and counted once.
 */
const underWay = new WeakSet<object>();
const handedOver = new WeakSet<object>();

/** The plugins' `queue` hooks are about to be asked for this transaction. */
export function beginQueueing(transaction: object): void {
  underWay.add(transaction);
}

/** They have been asked. True where one of them handed the transaction to outbound. */
export function endQueueing(transaction: object): boolean {
  underWay.delete(transaction);
  return handedOver.delete(transaction);
}

/** True where the transaction is being queued: whoever asked need not send it, the pipeline will. */
export function handOver(transaction: object): boolean {
  if (!underWay.has(transaction)) return false;
  handedOver.add(transaction);
  return true;
}
