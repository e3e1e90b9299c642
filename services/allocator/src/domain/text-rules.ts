/** Names of VMs and mappings: what the router's DHCP server takes as a host name. */
const hostName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const forwardName = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

export const isUuid = (text: string): boolean => uuid.test(text);

/** A VM's name; one that looks like an id would make `machine_id` ambiguous. */
export const isVmName = (text: string): boolean => hostName.test(text) && !isUuid(text);

export const isHostName = (text: string): boolean => hostName.test(text);

export const isForwardName = (text: string): boolean => forwardName.test(text);

/** Text bound for the router: its API has no escape for quotes, and drops leading blanks, so that what is read never equals what was sent. */
export const isRouterText = (text: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not pass
  text.length <= 255 && !/['"\u0000-\u001f\u007f\u2028\u2029]/.test(text) && !/^\s/.test(text);

/** The description of a forward's rule: the caller's, or which VM and forward it belongs to. */
export const ruleDescription = (vmName: string, forward: { name: string; description: string }): string =>
  forward.description || `berth ${vmName} ${forward.name}`;

/** A group's name, or none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not pass
export const isGroupName = (text: string): boolean => text.length <= 100 && !/[\u0000-\u001f\u007f]/.test(text);
