import { Protocol } from '@berth/contracts';
import type { ProtocolWord } from '../../../domain/forwards/forwards.ts';

const protocols: Record<ProtocolWord, Protocol> = {
  tcp: Protocol.TCP,
  udp: Protocol.UDP,
  both: Protocol.TCP_UDP,
  tcp_udp: Protocol.TCP_UDP,
};

const words: Record<Protocol, 'tcp' | 'udp' | 'tcp_udp'> = {
  [Protocol.UNSPECIFIED]: 'tcp',
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.TCP_UDP]: 'tcp_udp',
};

/** The protocol that a caller's word means; none is left to whoever has the default. */
export const protocolOf = (word: ProtocolWord | undefined): Protocol =>
  word === undefined ? Protocol.UNSPECIFIED : protocols[word];

/** The word that answers have for a protocol. */
export const wordOf = (protocol: Protocol): 'tcp' | 'udp' | 'tcp_udp' => words[protocol];
