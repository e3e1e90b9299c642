import { type AccessFactSchema, AccessPositionSchema, AccessService, subjects } from '@berth/contracts';
import { type Bus, notify, serve } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';

export type Fact = NonNullable<MessageInitShape<typeof AccessFactSchema>['fact']>;

/** Tells facts. */
export interface PlayedFacts {
  tell(fact: Fact): void;
}

/** Auth as far as facts go: whoever lets callers in learns `first`, and what `tell` tells later. */
export async function playFacts(bus: Bus, ...first: Fact[]): Promise<PlayedFacts> {
  const facts = first.map((fact, index) => ({ position: BigInt(index + 1), fact }));
  serve(bus, AccessService.method.getAccessFacts, async ({ after }) => ({
    facts: facts.slice(Number(after)),
    position: BigInt(facts.length),
  }));
  await bus.ping();
  return {
    tell(fact) {
      const position = BigInt(facts.length + 1);
      facts.push({ position, fact });
      notify(bus, subjects.accessPosition, AccessPositionSchema, { position });
    },
  };
}

/** That a group is there. */
export const groupFact = (name: string): Fact => ({ case: 'group', value: { name } });
