import {
  type ContainerSchema,
  container,
  leaf,
  multiLeaf,
  type SchemaChildren,
  tag,
  valueless,
} from '../domain/schema.ts';
import {
  description,
  disable,
  fqdn,
  groupMatch,
  interfaceMatch,
  ipProtocol,
  ipv4Address,
  ipv4Match,
  numberIn,
  oneOf,
  portMulti,
  portRange,
} from './common-leaves.ts';

const ruleNumber = numberIn('1-999999', 'NAT rule number must be between 1 and 999999');

const sideOf1x4: SchemaChildren = { address: leaf(ipv4Match), port: leaf(portMulti), group: container(groupMatch) };

const translationOptions = container({
  'address-mapping': leaf(oneOf('persistent', 'random')),
  'port-mapping': leaf(oneOf('random', 'none')),
});

const loadBalance = container({
  hash: multiLeaf(oneOf('source-address', 'destination-address', 'source-port', 'destination-port', 'random')),
  backend: tag(ipv4Address, { weight: leaf(numberIn('1-100')) }),
});

/** nat-rule.xml.i: what destination and source rules share. */
const rulePartsWith = (side: ContainerSchema): SchemaChildren => ({
  description,
  destination: side,
  disable,
  exclude: valueless,
  'load-balance': loadBalance,
  log: valueless,
  'packet-type': leaf(oneOf('broadcast', 'host', 'multicast', 'other')),
  protocol: leaf(ipProtocol),
  source: side,
});

const natWith = (ruleParts: SchemaChildren): ContainerSchema =>
  container({
    destination: container({
      rule: tag(ruleNumber, {
        ...ruleParts,
        'inbound-interface': interfaceMatch,
        translation: container({
          address: leaf({ validators: [['ipv4-prefix'], ['ipv4-address'], ['ipv4-range']] }),
          port: leaf(portRange),
          options: translationOptions,
          redirect: container({ port: leaf(portRange) }),
        }),
      }),
    }),
    source: container({
      rule: tag(ruleNumber, {
        ...ruleParts,
        'outbound-interface': interfaceMatch,
        translation: container({
          address: leaf({
            patterns: [/^masquerade$/],
            validators: [['ipv4-prefix'], ['ipv4-address'], ['ipv4-range']],
          }),
          port: leaf(portRange),
          options: translationOptions,
        }),
      }),
    }),
    static: container({
      rule: tag(ruleNumber, {
        description,
        destination: container({ address: leaf({ validators: [['ipv4-prefix'], ['ipv4-address']] }) }),
        'inbound-interface': leaf(),
        log: valueless,
        translation: container({
          address: leaf({ validators: [['ipv4-prefix'], ['ipv4-address']] }),
          options: translationOptions,
        }),
      }),
    }),
  });

/** `nat` of 1.5, October 2024 (interface-definitions/nat.xml.in). */
export const nat = natWith(rulePartsWith(container({ ...sideOf1x4, fqdn: leaf(fqdn) })));

/** `nat` of 1.4: as 1.5, but sides cannot be named by a host name. */
export const nat14 = natWith(rulePartsWith(container(sideOf1x4)));
