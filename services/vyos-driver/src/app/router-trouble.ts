const settingNames: Readonly<Record<string, string>> = {
  BERTH_WAN_INTERFACE: 'wan_interface',
  BERTH_EXTERNAL_IP: 'external_ip',
  BERTH_DHCP_NETWORK: 'dhcp_network',
  BERTH_DHCP_SUBNET: 'dhcp_subnet',
};

/** A text about a router, with the names that its settings have in the API instead of those in the environment. */
export const forPeople = (text: string): string =>
  text.replaceAll(/BERTH_[A-Z_]+/g, (name) => settingNames[name] ?? name);
