/**
 * Notes are how plugins speak to one another. Both interfaces are empty on purpose: a plugin adds its key by
 * `declare module`, so that every reader knows its shape. Session notes may hold anything and end with the session;
 * transaction notes are JSON, are stored with the mail and reach the worker. A live object may stand there until then, if
 * it has `toJSON`; what JSON cannot hold is left out.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by module augmentation
export interface SessionNotes {}
// biome-ignore lint/suspicious/noEmptyInterface: filled by module augmentation
export interface TransactionNotes {}
