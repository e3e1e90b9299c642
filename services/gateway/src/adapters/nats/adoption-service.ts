import {
  AdoptionService,
  type AdoptObjectsRequestSchema,
  type OperationReply,
  OperationReplySchema,
  type PreviewAdoptionRequestSchema,
  type PreviewAdoptionResponse,
} from '@berth/contracts';
import { askPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { operationOf, present } from './bulk-service.ts';

const { method } = AdoptionService;

/** Adopting what people made on routers, as the allocator does it. */
export interface Adoptions {
  preview(asked: MessageInitShape<typeof PreviewAdoptionRequestSchema>): Promise<PreviewAdoptionResponse>;
  /** Accepts the adoption; answers with the operation that it is: a bulk. */
  adopt(asked: MessageInitShape<typeof AdoptObjectsRequestSchema>, timeoutMs: number): Promise<OperationReply>;
}

export const adoptionService = (
  bus: Bus,
  { answerTimeoutMs: timeoutMs, nobodyThereMs }: { answerTimeoutMs: number; nobodyThereMs: number },
): Adoptions => ({
  preview: (asked) => askPatiently(() => request(bus, method.previewAdoption, asked, { timeoutMs }), nobodyThereMs),
  async adopt(asked, answerTimeoutMs) {
    const { bulk, replayed } = await request(bus, method.adoptObjects, asked, { timeoutMs: answerTimeoutMs });
    return create(OperationReplySchema, { operation: operationOf(present(bulk)), replayed });
  },
});
