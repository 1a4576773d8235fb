/** Who a session, and so a message, belongs to. Fixed at acceptance: a message keeps its owner for good. */
export interface Identity {
  /** User id, or `network:<name>` for the system identity of a trusted network. */
  readonly ownerId: string;
  /** SMTP credential id; null for a trusted network. */
  readonly credentialId: string | null;
  /** What the client logged in as, or the network's name. */
  readonly username: string;
}

export const networkIdentity = (name: string): Identity => ({
  ownerId: `network:${name}`,
  credentialId: null,
  username: `network:${name}`,
});

/** Whom mail belongs to that a plugin's grant let through, without login and from no trusted network. */
export const anonymousIdentity: Identity = { ownerId: 'anonymous', credentialId: null, username: 'anonymous' };

/** Whom mail belongs to that a plugin sends on its own account. */
export const pluginIdentity = (pluginId: string): Identity => ({
  ownerId: `plugin:${pluginId}`,
  credentialId: null,
  username: `plugin:${pluginId}`,
});
