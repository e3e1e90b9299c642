import {
  type AdoptableMapping,
  type AdoptableRule,
  AdoptedVmSchema,
  type AdoptionItemSchema,
  type AdoptObjectsRequest,
  ErrorSchema,
  toErrorMessage,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { create, fromBinary, type JsonObject, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { AdoptObjects } from '../../../app/adoption/adopt-objects.ts';
import type { AdoptionItem } from '../../../app/adoption/preview-adoption.ts';
import type { StagedItem } from '../../../app/bulk/bulk-ports.ts';
import type { AdoptCommand } from '../../../app/commands.ts';
import { forwardOfRule, isAdoptable } from '../../../domain/adoption/adopt-rule.ts';
import type { FoundMapping, FoundRule } from '../../../domain/adoption/adoption.ts';
import type { Selected } from '../../../domain/adoption/select-adoption.ts';
import type { ConfigLeaf } from '../../../domain/forwards/forward.ts';
import { normalizeMac } from '../../../domain/mac-address.ts';
import { toForwardMessage } from '../to-messages.ts';

const malformed = (): DomainError =>
  new DomainError('invalid', 'MALFORMED_MESSAGE', 'An object to adopt says nothing.');

const leaves = (extra: readonly ConfigLeaf[]) =>
  extra.map(({ path, values }) => ({ path: [...path], values: [...values] }));

export function toFoundMapping({ mapping, disabled }: AdoptableMapping): FoundMapping {
  if (mapping === undefined) throw malformed();
  const { network, subnet, name, macAddress, ipAddress, extra } = mapping;
  return { network, subnet, name, macAddress, ipAddress, disabled, extra: leaves(extra) };
}

export function toFoundRule({ rule }: AdoptableRule): FoundRule {
  if (rule === undefined) throw malformed();
  const { $typeName: _, ...texts } = rule;
  return { ...texts, extra: leaves(rule.extra) };
}

export const toAdoptObjects = (message: AdoptObjectsRequest): AdoptObjects => ({
  router: message.router,
  all: message.all,
  mappings: message.mappings,
  rules: message.rules,
  names: new Map(Object.entries(message.names)),
  ownerGroup: message.ownerGroup,
  metadata: message.metadata,
});

/** An item of an adoption as it is kept. */
export function toAdoptionItem(selected: Selected, { router, ownerGroup, metadata }: AdoptObjects): StagedItem {
  if (selected.kind === 'refused') {
    const payload = toBinary(ErrorSchema, create(ErrorSchema, toErrorMessage(selected.error)));
    return { kind: 'refused', machineId: selected.what, payload };
  }
  const { planned, rules } = selected;
  const { disabled, ...mapping } = planned.mapping;
  const message = create(AdoptedVmSchema, {
    router,
    ownerGroup,
    vmName: planned.vmName,
    ...(metadata && { metadata: metadata as JsonObject }), // it came out of a JSON object
    mapping: { mapping: { ...mapping, extra: leaves(mapping.extra) }, disabled },
    forwards: rules.map(({ rule, forward }) => ({
      name: forward?.name ?? '',
      rule: { rule: { ...rule, extra: leaves(rule.extra) } },
    })),
  });
  return { kind: 'adopt', machineId: planned.vmName, payload: toBinary(AdoptedVmSchema, message) };
}

/** What a kept item asks for. */
export function readAdoption(payload: Uint8Array): Pick<AdoptCommand, 'ownerGroup' | 'request'> {
  const { router, vmName, ownerGroup, metadata, mapping, forwards } = fromBinary(AdoptedVmSchema, payload);
  if (mapping === undefined) throw malformed();
  const found = toFoundMapping(mapping);
  return {
    ownerGroup,
    request: {
      ...{ router, vmName, hostname: found.name, mapping: found, metadata: metadata ?? null },
      macAddress: normalizeMac(found.macAddress) ?? '',
      forwards: forwards.map(({ name, rule }) => {
        const read = rule ? forwardOfRule(toFoundRule(rule)) : undefined;
        if (read === undefined || !isAdoptable(read)) throw malformed();
        return { ...read, name };
      }),
    },
  };
}

export function toItemMessage(item: AdoptionItem): MessageInitShape<typeof AdoptionItemSchema> {
  const { reason } = item.planned;
  if (item.kind === 'mapping') {
    const { mapping, vmName } = item.planned;
    const { name, macAddress, ipAddress: internalIp, subnet } = mapping;
    return {
      mapping: name,
      macAddress,
      internalIp,
      subnet,
      reason,
      adoptable: reason === '',
      vmName: reason ? '' : vmName,
    };
  }
  const { rule, forward } = item.planned;
  return {
    mapping: item.of?.mapping.name ?? '',
    rule: rule.number,
    internalIp: rule.translationAddress,
    adoptable: reason === '',
    reason,
    vmName: reason ? '' : (item.of?.vmName ?? ''),
    ...(forward && { forward: toForwardMessage(forward) }),
  };
}
