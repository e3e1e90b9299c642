export { type AuthConfig, readConfig } from './config.ts';
export { startAuth } from './start-auth.ts';
