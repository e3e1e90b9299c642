import { PortAction } from '@berth/contracts';

/** A forward as a caller asks for it. Which values it gets is not the caller's to say here. */
export interface WantedForward {
  readonly protocol: 'tcp' | 'udp' | 'tcp_udp';
  readonly internalPort: number;
  readonly sources: readonly string[];
  readonly description: string;
  readonly enabled: boolean;
}

export interface WantedVm {
  readonly name: string;
  readonly macAddress: string;
  readonly forwards: Readonly<Record<string, WantedForward>>;
  /** Forwards of the template that were deleted: created again they are as they were. */
  readonly remembered?: Readonly<Record<string, WantedForward>>;
}

/** The port of each forward that a VM has by default. */
export const templatePorts = { ssh: 22, http: 80, https: 443 } as const;

export const templateForward = (name: keyof typeof templatePorts): WantedForward => ({
  protocol: 'tcp',
  internalPort: templatePorts[name],
  sources: [],
  description: '',
  enabled: true,
});

/** What a request asks for, once it has succeeded. */
export type Wish =
  | { readonly kind: 'provision'; readonly vm: WantedVm }
  | { readonly kind: 'decommission' }
  | { readonly kind: 'ports'; readonly action: PortAction; readonly names: readonly (keyof typeof templatePorts)[] }
  | { readonly kind: 'add'; readonly name: string; readonly forward: WantedForward }
  | { readonly kind: 'drop'; readonly name: string }
  | { readonly kind: 'edit'; readonly name: string; readonly edit: Partial<WantedForward> }
  | { readonly kind: 'update'; readonly name: string; readonly macAddress: string };

/** The VM after a wish that was granted; undefined: it is gone. A model of its own, which knows nothing of how Berth does it. */
export function granted(vm: WantedVm | undefined, wish: Wish): WantedVm | undefined {
  if (wish.kind === 'provision') return wish.vm;
  if (wish.kind === 'decommission' || vm === undefined) return undefined;
  if (wish.kind === 'update') return { ...vm, name: wish.name, macAddress: wish.macAddress };
  const forwards: Record<string, WantedForward> = { ...vm.forwards };
  const remembered: Record<string, WantedForward> = { ...vm.remembered };
  const drop = (name: string) => {
    if (isOfTemplate(name) && forwards[name] !== undefined) remembered[name] = forwards[name];
    delete forwards[name];
  };
  switch (wish.kind) {
    case 'add':
      forwards[wish.name] = wish.forward;
      break;
    case 'drop':
      drop(wish.name);
      break;
    case 'edit':
      if (forwards[wish.name] !== undefined)
        Object.assign(forwards, { [wish.name]: { ...forwards[wish.name], ...wish.edit } });
      break;
    case 'ports':
      for (const name of wish.names) {
        if (wish.action === PortAction.DELETE) drop(name);
        else if (wish.action === PortAction.CREATE)
          forwards[name] = { ...(forwards[name] ?? remembered[name] ?? templateForward(name)), enabled: true };
        else if (forwards[name] !== undefined)
          forwards[name] = { ...forwards[name], enabled: wish.action === PortAction.ENABLE };
      }
  }
  return { ...vm, forwards, remembered };
}

const isOfTemplate = (name: string): name is keyof typeof templatePorts => Object.hasOwn(templatePorts, name);
