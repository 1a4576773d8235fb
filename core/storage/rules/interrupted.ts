/** Last reply of a recipient whose worker fell silent after it may have sent the message. */
export const interrupted = '451 4.4.0 the relay stopped while this was under way; a copy may have been sent';
