const settingNames: Readonly<Record<string, string>> = {
  BERTH_WAN_INTERFACE: 'wan_interface',
  BERTH_EXTERNAL_IP: 'external_ip',
  BERTH_DHCP_NETWORK: 'dhcp_network',
  BERTH_DHCP_SUBNET: 'dhcp_subnet',
};

/** A text about a router, with the names that its settings have in the API instead of those in the environment. */
export const forPeople = (text: string): string =>
  text.replaceAll(/BERTH_[A-Z_]+/g, (name) => settingNames[name] ?? name);

const advice: readonly (readonly [text: RegExp, advice: string])[] = [
  [
    /Valid API key is required/,
    'The router does not take the API key: give the right one (PATCH with key; for the router of the settings VYOS_API_KEY).',
  ],
  [
    /another certificate than the pinned one/,
    'If that is its new certificate, give fingerprint and key (PATCH; for the router of the settings VYOS_TLS_FINGERPRINT).',
  ],
];

/** What a router said or did, and what people can do about it. */
export function withAdvice(text: string): string {
  const found = advice.find(([pattern]) => pattern.test(text));
  return found === undefined ? text : `${text.trim()} ${found[1]}`;
}
