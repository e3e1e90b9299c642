// `up` itself, with the tiny service in the place of every service and no router.
import { upCommand } from '../src/up-command.ts';

const entry = 'deploy/local/test/tiny-service.ts';
const entries = { auth: entry, allocator: entry, 'vyos-driver': entry, gateway: entry };
process.exit(await upCommand(process.argv.slice(2), { entries, simulator: false }));
