import { type Static, Type } from 'typebox';
import { internalPortBounds } from '../../../domain/forwards/forwards.ts';
import { sourcesMaxCount } from '../../../domain/forwards/sources.ts';
import { routerTextMaxLength } from '../../../domain/router-text.ts';
import { nullable, strict } from '../json-types.ts';
import { forwardName } from './forward-schemas.ts';

const forwardsOfTemplateMaxCount = 32;
const examples = [
  {
    forwards: [
      { name: 'ssh', protocol: 'tcp', internal_port: 22, sources: ['198.51.100.0/24'], description: null },
      { name: 'https', protocol: 'tcp', internal_port: 443, sources: [], description: 'web' },
    ],
  },
];

/** What `PUT /v1/forward-template` takes: all of what its GET answers, or less. */
export const forwardTemplateBody = Type.Object(
  {
    forwards: Type.Array(
      Type.Object(
        {
          name: forwardName,
          protocol: Type.Optional(
            Type.Enum(['tcp', 'udp', 'tcp_udp', 'both'], {
              description: 'Default `tcp`. `both` is another word for `tcp_udp`.',
            }),
          ),
          internal_port: Type.Integer({ ...internalPortBounds, description: 'The port on the VM.' }),
          sources: Type.Optional(
            Type.Array(Type.String({ maxLength: 18 }), {
              maxItems: sourcesMaxCount,
              description: 'Only these IPv4 addresses and networks may use it. Default: any.',
            }),
          ),
          description: Type.Optional(
            nullable(
              Type.String({
                maxLength: routerTextMaxLength,
                description:
                  'For people; stands on the router. No quotes, line breaks, control characters or leading blank.',
              }),
            ),
          ),
        },
        strict,
      ),
      { maxItems: forwardsOfTemplateMaxCount, description: 'In the order of their rule numbers. Empty: none.' },
    ),
  },
  { ...strict, examples },
);

export const forwardTemplate = Type.Object(
  {
    forwards: Type.Array(
      Type.Object({
        name: Type.String(),
        protocol: Type.Enum(['tcp', 'udp', 'tcp_udp']),
        internal_port: Type.Integer(),
        sources: Type.Array(Type.String(), { description: 'Who may use it. Empty: any.' }),
        description: nullable(Type.String()),
      }),
    ),
  },
  { $id: 'ForwardTemplate', description: 'The forwards that new VMs get unless they ask otherwise.', examples },
);
export type ForwardTemplateDocument = Static<typeof forwardTemplate>;
