import type { AllocatorConfig } from '../../src/config.ts';

/** The settings of an allocator in tests, unless a test says otherwise. */
export const usualConfig = (
  places: Pick<AllocatorConfig, 'databaseUrl' | 'natsUrl' | 'subjectPrefix'>,
): AllocatorConfig => ({
  ...places,
  grpcHost: '127.0.0.1',
  grpcPort: 0,
  grpcTls: undefined,
  callsPerSecond: 0,
  keyCacheSeconds: 30,
  tokens: { issuer: 'http://berth.test', audience: 'berth' },
  defaultRouter: 'default',
  pools: {
    addressRange: undefined,
    portRange: { first: 32_000, last: 33_000 },
    ruleRange: { first: 10_000, last: 999_999 },
  },
  quarantineMs: 60_000,
  planMs: 600_000,
  resendAfterSeconds: 30,
});
