import { healthReader } from '../../../app/read-health.ts';
import { healthChecks } from '../../nats/health-checks.ts';
import type { AddTopic } from '../wiring.ts';
import { healthRoutes } from './health.ts';

/** Whether it runs, and whether the others do. */
export const addHealth: AddTopic = (app, { bus }) => healthRoutes(app, { health: healthReader(healthChecks(bus)) });
