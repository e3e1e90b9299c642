import type { RouterControl } from './router-control.ts';

/** What `addSecondNetwork` puts on the simulated router, beside the networks that it starts with. */
export const secondNetwork = {
  /** A second address of the interface that leads outside. */
  externalIp: '192.0.2.2',
  interfaceName: 'eth2',
  dhcpNetwork: 'LAB',
  dhcpSubnet: '10.20.0.0/24',
  subnetId: 2,
  gateway: '10.20.0.1',
} as const;

/**
 * A person gives the router a second DHCP subnet on an interface of its own and a second external address, and saves. The driver notices it
 * with its next look: see `BERTH_DRIVER_DRIFT_EVERY_MS`.
 */
export async function addSecondNetwork(router: RouterControl): Promise<void> {
  const { externalIp, interfaceName, dhcpNetwork, dhcpSubnet, subnetId, gateway } = secondNetwork;
  const subnet = `set service dhcp-server shared-network-name ${dhcpNetwork} subnet ${dhcpSubnet}`;
  await router.person({
    commands: [
      `set interfaces ethernet eth0 address ${externalIp}/24`,
      `set interfaces ethernet ${interfaceName} address ${gateway}/24`,
      `${subnet} subnet-id ${subnetId}`,
      `${subnet} option default-router ${gateway}`,
      `${subnet} option name-server ${gateway}`,
      `${subnet} lease 3600`,
      `${subnet} range 0 start 10.20.0.200`,
      `${subnet} range 0 stop 10.20.0.250`,
    ],
    save: true,
  });
}
