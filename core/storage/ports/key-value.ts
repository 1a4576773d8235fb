/** Small JSON values of one plugin id, durable. */
export interface KeyValueStore {
  get(key: string): Promise<unknown>;
  /** `expiresAt` in milliseconds since the epoch. */
  set(key: string, value: unknown, expiresAt?: number): Promise<void>;
  delete(key: string): Promise<void>;
}
