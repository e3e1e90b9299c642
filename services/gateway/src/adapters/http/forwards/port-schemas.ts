import { type Static, Type } from 'typebox';
import { forwardsMaxCount } from '../../../domain/forwards/forwards.ts';
import { mapOf, nullable, strict } from '../json-types.ts';
import { forwardName } from './forward-schemas.ts';

const portStatus = Type.Enum(['enabled', 'disabled', 'not_active'], {
  description: '`disabled`: the rule is there and does nothing. `not_active`: there is no rule.',
});

/** What a change of several forwards takes. */
export const portTemplateBody = Type.Object(
  {
    action: Type.Enum(['create', 'delete', 'pause', 'enable', 'disable'], {
      description:
        '`create` makes missing forwards and enables paused ones; `delete` removes the rules; `pause` disables those enabled; `enable` and `disable` want each to exist.',
    }),
    ports: Type.Optional(
      Type.Array(forwardName, {
        minItems: 1,
        maxItems: forwardsMaxCount,
        description: 'Default: those of the template.',
      }),
    ),
  },
  { ...strict, examples: [{ action: 'pause' }, { action: 'enable', ports: ['ssh'] }] },
);

/** What a change of one forward takes. */
export const portActionBody = Type.Object(
  { action: Type.Enum(['enable', 'disable']) },
  { ...strict, examples: [{ action: 'disable' }] },
);

export const changedPorts = Type.Object(
  {
    status: Type.Literal('success'),
    machine_id: Type.String(),
    action: Type.String(),
    ports: mapOf(
      Type.Object({
        status: portStatus,
        external_port: nullable(Type.Integer()),
        nat_rule_number: nullable(Type.Integer()),
      }),
    ),
  },
  {
    $id: 'ChangedPorts',
    description: 'The forwards that the request named, as they stand now.',
    examples: [
      {
        status: 'success',
        machine_id: 'web-01',
        action: 'pause',
        ports: { ssh: { status: 'disabled', external_port: 32000, nat_rule_number: 10000 } },
      },
    ],
  },
);
export type ChangedPorts = Static<typeof changedPorts>;

export const changedPort = Type.Object(
  {
    status: Type.Literal('success'),
    machine_id: Type.String(),
    port: Type.String(),
    action: Type.String(),
    port_status: portStatus,
    external_port: nullable(Type.Integer()),
    nat_rule_number: nullable(Type.Integer()),
  },
  {
    $id: 'ChangedPort',
    description: 'The forward as it stands now.',
    examples: [
      {
        status: 'success',
        machine_id: 'web-01',
        port: 'ssh',
        action: 'disable',
        port_status: 'disabled',
        external_port: 32000,
        nat_rule_number: 10000,
      },
    ],
  },
);
export type ChangedPort = Static<typeof changedPort>;

export const vmPorts = Type.Object(
  {
    machine_id: Type.String(),
    internal_ip: Type.String(),
    ports: mapOf(
      Type.Object({
        status: portStatus,
        external_port: nullable(Type.Integer()),
        nat_rule_number: nullable(Type.Integer()),
        protocol: nullable(Type.Enum(['tcp', 'udp', 'both'])),
        source: nullable(
          Type.String({ description: 'Only this address or network (of several the first) may use it; null: any.' }),
        ),
        description: nullable(Type.String()),
      }),
    ),
  },
  {
    $id: 'VmPorts',
    description: 'A VM’s forwards: ssh, http and https first, then the others by name.',
    examples: [
      {
        machine_id: 'web-01',
        internal_ip: '10.10.1.50',
        ports: {
          ssh: {
            status: 'enabled',
            external_port: 32000,
            nat_rule_number: 10000,
            protocol: 'tcp',
            source: null,
            description: 'web-01 ssh',
          },
          http: {
            status: 'not_active',
            external_port: null,
            nat_rule_number: null,
            protocol: null,
            source: null,
            description: null,
          },
        },
      },
    ],
  },
);
export type VmPorts = Static<typeof vmPorts>;
