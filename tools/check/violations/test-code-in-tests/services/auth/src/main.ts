import { testPostgres } from '@berth/testing';

await testPostgres();
