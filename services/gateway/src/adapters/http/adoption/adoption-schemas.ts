import { type Static, Type } from 'typebox';
import type { ForwardDocument } from '../forwards/forward-schemas.ts';
import { anyObject, mapOf, nullable, strict } from '../json-types.ts';

const mappingName = Type.String({ minLength: 1, maxLength: 255 });

/** What shall be adopted of a router. */
export const adoptionBody = Type.Object(
  {
    all: Type.Optional(
      Type.Boolean({ description: 'Everything that can be adopted. Without `mappings` and `rules`.' }),
    ),
    mappings: Type.Optional(
      Type.Array(mappingName, {
        maxItems: 10_000,
        description: 'Static mappings by name, each with all of its rules that can be adopted.',
      }),
    ),
    rules: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 999_999 }), {
        maxItems: 10_000,
        description: 'Destination rules by number, with the mappings they lead to.',
      }),
    ),
    names: Type.Optional(
      mapOf(Type.String({ maxLength: 63 }), {
        description: 'Names for VMs, by mapping. Others are named like their mapping.',
      }),
    ),
    owner_group: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'The group that owns the VMs, for which `vms:write` is needed. Default: the caller’s own.',
      }),
    ),
    metadata: Type.Optional(anyObject({ description: 'Kept with each VM.' })),
  },
  { ...strict, examples: [{ all: true }, { mappings: ['web'], names: { web: 'web-01' } }] },
);
export type AdoptionBody = Static<typeof adoptionBody>;

export const adoptionQuery = Type.Object(
  {
    cursor: Type.Optional(
      Type.String({ pattern: '^\\d{1,6}$', description: 'Where the page begins; from the page before.' }),
    ),
    refresh: Type.Optional(
      Type.Boolean({
        description: 'Reads the router first, which may take a while. Default false: the newest reading.',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'At most so many; default 500.' })),
  },
  strict,
);

/** A mapping or a rule that people made. */
export const adoptionItem = Type.Object(
  {
    kind: Type.Enum(['mapping', 'rule']),
    mapping: nullable(
      Type.String({
        description: 'The mapping’s name; of a rule: that of the mapping that it leads to. Null when it leads to none.',
      }),
    ),
    rule: nullable(Type.Integer({ description: 'The rule’s number; null for a mapping.' })),
    adoptable: Type.Boolean(),
    reason: nullable(
      Type.String({ description: 'Why it cannot be adopted, and what to do about that; null when it can.' }),
    ),
    vm_name: nullable(
      Type.String({ description: 'The VM that it would be, or be of; null when it cannot be adopted.' }),
    ),
    mac_address: nullable(Type.String({ description: 'A mapping’s MAC address, as it stands.' })),
    internal_ip: nullable(Type.String({ description: 'A mapping’s address; a rule’s target.' })),
    subnet: nullable(Type.String({ description: 'A mapping’s DHCP subnet.' })),
    forward: nullable(Type.Unsafe<ForwardDocument>({ $ref: 'Forward#' })),
  },
  {
    $id: 'AdoptionItem',
    description: 'Something that people made on the router, and what it would be.',
    examples: [
      {
        ...{ kind: 'rule', mapping: null, rule: 5, adoptable: false, vm_name: null, mac_address: null, subnet: null },
        ...{ internal_ip: '10.10.0.5', forward: null },
        reason: 'translates to 10.10.0.5, which is no static mapping’s address: make a mapping for it first',
      },
    ],
  },
);
export type AdoptionItemDocument = Static<typeof adoptionItem>;

/** A page of what can be adopted of a router. */
export const adoptionPreview = Type.Object(
  {
    router: Type.String(),
    counts: Type.Object(
      {
        mappings: Type.Integer({ description: 'Static mappings that people made.' }),
        adoptable_mappings: Type.Integer({ description: 'Those of them that can be adopted, each as a VM.' }),
        rules: Type.Integer({ description: 'Destination rules that people made.' }),
        adoptable_rules: Type.Integer({ description: 'Those of them that can be adopted, each as a forward.' }),
      },
      { description: 'Of the whole router, not of the page.' },
    ),
    items: Type.Array(Type.Unsafe<AdoptionItemDocument>({ $ref: 'AdoptionItem#' }), {
      description: 'Each mapping, followed by the rules that lead to it; then the other rules by their numbers.',
    }),
    looked_at: nullable(
      Type.String({ format: 'date-time', description: 'When the router was read, or earlier; null: never compared.' }),
    ),
    next_cursor: nullable(Type.String({ description: 'Where the next page begins; null on the last.' })),
  },
  {
    $id: 'AdoptionPreview',
    description: 'What of a router can be adopted, and why the rest cannot.',
    examples: [
      {
        router: 'default',
        counts: { mappings: 1, adoptable_mappings: 1, rules: 1, adoptable_rules: 0 },
        items: [],
        looked_at: '2026-01-01T12:00:00.000Z',
        next_cursor: null,
      },
    ],
  },
);
