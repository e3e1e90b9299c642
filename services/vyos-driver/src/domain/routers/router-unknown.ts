import { DomainError } from '@berth/errors';

/** Of a router that is not managed here, or not any more. */
export const routerUnknown = (name: string): DomainError =>
  new DomainError('not_found', 'ROUTER_UNKNOWN', `No router named ${name} is managed here.`);
