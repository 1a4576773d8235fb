/** What the database knows of mail that was taken; counters that lost their memory start from it. */
export interface AcceptedRecipients {
  /**
   * Recipients of mail that was committed at or after `from` and before `until` (milliseconds since the epoch, by
   * `acceptedAt`), for `credential:<id>` by its `credentialId`, for `user:<id>` by its `ownerId`. Whatever has
   * become of them since; mail that Sluice itself brought forth is not among them.
   */
  accepted(owner: string, from: number, until: number): Promise<number>;
}
