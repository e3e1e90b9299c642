import type { ForwardEditSchema, ForwardSpecSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ForwardChange, NewForward } from '../../../domain/forwards/change-forwards.ts';
import type { PortRun } from '../../../domain/forwards/port-run.ts';
import { protocolOf } from './protocol-words.ts';

/** A new forward as the command says it. */
export function toForwardSpec(forward: NewForward): MessageInitShape<typeof ForwardSpecSchema> {
  const [source = '', ...moreSources] = forward.sources ?? [];
  return {
    name: forward.name,
    protocol: protocolOf(forward.protocol),
    internalPort: forward.internal?.first ?? 0,
    internalPortEnd: endOf(forward.internal),
    externalPort: forward.external?.first ?? 0,
    externalPortEnd: endOf(forward.external),
    externalPortCount: forward.externalCount ?? 0,
    source,
    moreSources,
    description: forward.description ?? '',
    disabled: forward.enabled === false,
  };
}

/** A change of a forward as the command says it: what was not given is absent. */
export function toForwardEdit(change: ForwardChange): MessageInitShape<typeof ForwardEditSchema> {
  const { name, newName, protocol, internal, external, sources, description, enabled } = change;
  return {
    name,
    ...(newName !== undefined && { newName }),
    ...(protocol !== undefined && { protocol: protocolOf(protocol) }),
    ...(internal && { internalPort: internal.first, internalPortEnd: endOf(internal) }),
    ...(external !== undefined && { externalPort: external?.first ?? 0, externalPortEnd: endOf(external) }),
    ...(sources && { sources: { sources: [...sources] } }),
    ...(description !== undefined && { description }),
    ...(enabled !== undefined && { enabled }),
  };
}

/** 0 says one port, and of external ones: as many as there are internal ones. */
const endOf = (run: PortRun | null | undefined): number => (run && run.last > run.first ? run.last : 0);
