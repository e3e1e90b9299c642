import type { Profile } from './profile.ts';
import { profile15, schema15With } from './profile-1-5.ts';
import { system2025 } from './schema-1-5-system.ts';

/** VyOS 1.5 from the middle of 2025 on: commit-confirm, whose timer begins before the commit, `/info`, and the freeze. */
export const profile2025: Profile = {
  ...profile15,
  name: '1.5-2025',
  schema: schema15With(system2025),
  successData: 'output',
  version: '1.5-rolling-202507010020',
  proxied:
    /^\/(?:retrieve|configure|config-file|image|import-pki|container-image|generate|show|reboot|reset|poweroff|traceroute|renew|info|docs|openapi\.json|redoc|graphql)/,
  endpoints: [...profile15.endpoints, '/traceroute', '/renew'],
  hasInfo: true,
  commitConfirm: 'before the commit',
  merges: true,
  filesWait: 'with writes',
  canFreeze: true,
};

/** VyOS 1.5 of 2026: the timer begins after the commit, writes can be left to the background, files have a lock of their own, and nothing freezes. */
export const profile2026: Profile = {
  ...profile2025,
  name: '1.5-2026',
  version: '1.5-rolling-202603010020',
  endpoints: [...profile2025.endpoints, '/retrieve/background-operations'],
  commitConfirm: 'after the commit',
  worksInBackground: true,
  filesWait: 'by themselves',
  canFreeze: false,
};
